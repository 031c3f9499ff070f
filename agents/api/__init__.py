"""REST calls about accounts, and what every REST call of HQ stands on."""
