// Who is connecting: checks the same ES256 token that HQ gets and says which stream it may see.
'use strict';
const jwt = require('jsonwebtoken');

const ROLES = ['director', 'handler', 'analyst', 'field-operative'];
const CLEARANCES = ['restricted', 'confidential', 'secret', 'top-secret'];
const options = { algorithms: ['ES256'], issuer: 'hq', audience: 'hq' };

// The stream 0..15 of the token's holder; throws when the token is not good.
exports.streamOf = (token) => {
  const claims = jwt.verify(token, process.env.PEER_PUBLIC_KEY, options);
  return 4 * ROLES.indexOf(claims.role) + CLEARANCES.indexOf(claims.clearance);
};
