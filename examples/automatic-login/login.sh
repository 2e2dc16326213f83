#!/usr/bin/env bash
# Logs a person in to an app by BankID without anybody at the screen, at a provider that "brygga dev" runs:
#
#	login.sh URL [PERSONAL-NUMBER] [cancel]
#
# URL is where the app begins a login. Prints the page that the app shows in the end; its cookies are in $JAR for further calls.
# Needs bash, curl and jq. PHONE is the virtual phone, with "brygga dev --tls" an https address; then also export CURL_CA_BUNDLE.
set -euo pipefail
url=$1 person=${2:-198502039822} how=${3:-approve}
PHONE=${PHONE:-http://localhost:8082} JAR=${JAR:-$(mktemp)}
agent='Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'

browse() { curl -sSL -A "$agent" -b "$JAR" -c "$JAR" "$@"; }
phone() { curl -sS --fail-with-body "$PHONE/api/$1" -d "$2"; }
press() { browse -H "Origin: $issuer" -o "${3:-/dev/null}" --data "$2" "$login/$1"; } # a button of the hosted page
unescape() { sed 's/&amp;/\&/g; s/&#34;/"/g; s/&#39;/'"'"'/g'; }

# The app leads to the hosted page.
login=$(browse -o /dev/null -w '%{url_effective}' "$url")
[[ $login =~ ^(https?://[^/]+)/login/[^/]+$ ]] || { echo "$url did not lead to a login, but to $login" >&2; exit 1; }
issuer=${BASH_REMATCH[1]}

if [ "$how" = cancel ]; then
	press leave '' -
	exit
fi

# BankID on this device: the page has a link that opens the app, and the phone opens it.
press start device=this
link=$(browse "$login" | grep -o '<a[^>]*id="launch"[^>]*>' | sed 's/.*href="\([^"]*\)".*/\1/' | unescape)
order=$(phone open "$(jq -n --arg url "$link" --arg person "$person" '{url: $url, personalNumber: $person}')" | jq -r .orderRef)
browse -o /dev/null "$(phone "orders/$order/sign" '{}' | jq -r .returnUrl)" # the app goes back to the browser

for _ in $(seq 150); do
	[ "$(browse "$login/status" | jq -r .view)" != complete ] || break
	sleep 0.2
done
press done '' -
