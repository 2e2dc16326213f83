'use strict';
// An app on passport-openidconnect. The package reads no metadata: each endpoint is named.

const { randomBytes } = require('node:crypto');
const express = require('express');
const session = require('express-session');
const passport = require('passport');
const Strategy = require('passport-openidconnect');

const { ISSUER, APP, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
passport.use(new Strategy({
  issuer: ISSUER,
  authorizationURL: ISSUER + '/authorize',
  tokenURL: ISSUER + '/token',
  userInfoURL: ISSUER + '/userinfo',
  clientID: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  callbackURL: APP + '/callback',
  scope: ['profile'],
}, (issuer, profile, context, idToken, done) => done(null, { ...profile, idToken })));
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }));
app.use(passport.session());
const logIn = passport.authenticate('openidconnect', { keepSessionInfo: true });
app.get('/', (request, response, next) => {
  if (!request.user) return logIn(request, response, next);
  const { id, name } = request.user;
  return response.json({ sub: id, given_name: name.givenName, family_name: name.familyName });
});
app.get('/callback', logIn, (request, response) => response.redirect('/'));
app.get('/logout', (request, response, next) => {
  const query = new URLSearchParams({ id_token_hint: request.user.idToken, post_logout_redirect_uri: APP + '/goodbye' });
  request.logout((fault) => (fault ? next(fault) : response.redirect(ISSUER + '/logout?' + query)));
});
app.get('/goodbye', (request, response) => response.json({}));
app.listen(Number(PORT), '127.0.0.1');
