"""The dashboard's pages. Its program is `missions/static/missions`: ES modules without a build."""
