'use strict';
// An app on express-openid-connect, which Auth0 makes for any provider.

const express = require('express');
const { auth, requiresAuth } = require('express-openid-connect');

const app = express();
app.use(auth({
  issuerBaseURL: process.env.ISSUER,
  baseURL: process.env.APP,
  clientID: process.env.CLIENT_ID,
  clientSecret: process.env.CLIENT_SECRET,
  secret: process.env.CLIENT_SECRET, // of its own cookies
  clientAuthMethod: 'client_secret_basic',
  authorizationParams: { response_type: 'code', response_mode: 'query', scope: 'openid profile' },
  authRequired: false,
  idpLogout: true,
  routes: { postLogoutRedirect: process.env.APP + '/goodbye' },
}));
app.get('/', requiresAuth(), (request, response) => response.json(request.oidc.user));
app.get('/goodbye', (request, response) => response.json({}));
app.listen(Number(process.env.PORT), '127.0.0.1');
