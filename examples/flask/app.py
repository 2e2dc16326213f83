"""BankID login in Flask, with Authlib."""

import os
from urllib.parse import urlencode

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, render_template_string, session

ISSUER = os.environ.get("ISSUER", "http://localhost:8080")
PORT = int(os.environ.get("PORT", "3000"))
HOME = os.environ.get("APP", f"http://localhost:{PORT}")
CLIENT_ID = os.environ.get("CLIENT_ID", "my-app")

app = Flask(__name__)
app.secret_key = os.environ.get("SESSION_SECRET") or os.urandom(32)
app.config.update(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=HOME.startswith("https:"))

# Authlib keeps state, nonce and PKCE verifier, and checks the ID token's signature and claims.
bankid = OAuth(app).register(
    "bankid",
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_id=CLIENT_ID,
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
)

PAGE = """<!doctype html><html lang="en"><title>My app</title>
{% if person %}
  <p>Hello, {{ person.name }}. Your personal number is {{ person.personalNumber }}.</p>
  <form method="post" action="/logout"><button>Log out</button></form>
{% else %}
  <p>{{ note }}</p>
  <p><a href="/login">Log in with BankID</a></p>
{% endif %}</html>"""


@app.get("/")
def home():
    return render_template_string(PAGE, person=session.get("person"))


@app.get("/login")
def login():
    return bankid.authorize_redirect(f"{HOME}/callback")


@app.get("/callback")
def callback():
    try:
        claims = bankid.authorize_access_token()["userinfo"]  # of the ID token, verified
    except OAuthError as fault:
        if fault.error == "access_denied":
            return render_template_string(PAGE, note="You were not logged in. Nothing has happened.")
        app.logger.warning("login: %s", fault)
        return render_template_string(PAGE, note="The login did not work.")
    session.clear()
    # Flask's session is signed, not encrypted: with a number in it, keep it on your server (Flask-Session).
    session["person"] = {"sub": claims["sub"], "name": claims["name"], "personalNumber": claims["personalNumber"]}
    return redirect("/")


@app.post("/logout")
def logout():
    session.clear()
    query = urlencode({"client_id": CLIENT_ID, "post_logout_redirect_uri": f"{HOME}/"})
    return redirect(f"{bankid.load_server_metadata()['end_session_endpoint']}?{query}", 303)


if __name__ == "__main__":
    app.run("127.0.0.1", PORT)
