'use strict';
// An app on passport-oauth2, which knows no OpenID Connect: userinfo tells who it is.

const { randomBytes } = require('node:crypto');
const express = require('express');
const session = require('express-session');
const passport = require('passport');
const Strategy = require('passport-oauth2');

const { ISSUER, APP, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const strategy = new Strategy({
  authorizationURL: ISSUER + '/authorize',
  tokenURL: ISSUER + '/token',
  clientID: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  callbackURL: APP + '/callback',
  scope: ['openid', 'profile'],
  pkce: true,
  state: true,
}, (access, refresh, profile, done) => done(null, profile));
strategy.userProfile = (token, done) => {
  fetch(ISSUER + '/userinfo', { headers: { Authorization: 'Bearer ' + token } }).then((answer) => answer.json()).then((claims) => done(null, claims), done);
};
passport.use('bankid', strategy);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }));
app.use(passport.session());
const logIn = passport.authenticate('bankid', { keepSessionInfo: true });
app.get('/', (request, response, next) => (request.user ? response.json(request.user) : logIn(request, response, next)));
app.get('/callback', logIn, (request, response) => response.redirect('/'));
app.get('/logout', (request, response, next) => {
  const query = new URLSearchParams({ client_id: CLIENT_ID, post_logout_redirect_uri: APP + '/goodbye' });
  request.logout((fault) => (fault ? next(fault) : response.redirect(ISSUER + '/logout?' + query)));
});
app.get('/goodbye', (request, response) => response.json({}));
app.listen(Number(PORT), '127.0.0.1');
