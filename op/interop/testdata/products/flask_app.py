"""An app on Authlib and Flask."""

import os
import urllib.parse

import flask
from authlib.integrations.flask_client import OAuth

app = flask.Flask(__name__)
app.secret_key = os.urandom(32)
brygga = OAuth(app).register(
    "brygga",
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
)


@app.get("/")
def home():
    if "claims" not in flask.session:
        return brygga.authorize_redirect(os.environ["APP"] + "/callback", prompt="select_account")  # as brokers do
    return flask.session["claims"]


@app.get("/callback")
def callback():
    token = brygga.authorize_access_token()
    flask.session["claims"] = dict(token["userinfo"])
    flask.session["id_token"] = token["id_token"]
    return flask.redirect("/")


@app.get("/logout")
def logout():
    hint = flask.session["id_token"]
    flask.session.clear()
    query = {"id_token_hint": hint, "post_logout_redirect_uri": os.environ["APP"] + "/goodbye"}
    return flask.redirect(brygga.load_server_metadata()["end_session_endpoint"] + "?" + urllib.parse.urlencode(query))


@app.get("/goodbye")
def goodbye():
    return {}


app.run("127.0.0.1", int(os.environ["PORT"]))
