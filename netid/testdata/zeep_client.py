"""A SOAP client by others, which learns the service from its WSDL: logs a person in over both bindings and prints what came."""

import json
import sys

import requests
import zeep

wsdl, root, certificate, key, user = sys.argv[1:]
session = requests.Session()
session.verify, session.cert, session.trust_env = root, (certificate, key), False
client = zeep.Client(wsdl, transport=zeep.Transport(session=session))


def login(service):
    ref = service.Authenticate(personalNumber=user, userNonVisibleData="bm9uY2U=")
    statuses = []
    while True:
        result = service.Collect(orderRef=ref)
        statuses.append(result.progressStatus)
        if result.progressStatus == "COMPLETE":
            return statuses, result


def refusal(service):
    try:
        service.Authenticate(personalNumber="nobody", userNonVisibleData="bm9uY2U=")
    except zeep.exceptions.Fault as fault:
        return fault.message


answers = {}
for port in ("NetiDAccessServerSoap", "NetiDAccessServerSoap12"):
    service = client.bind("NetiDAccessServer", port)
    registered = service.Register(serverId="", name="Zeep", format="pkcs7")
    statuses, result = login(service)
    answers[port] = {
        "caller": registered.caller.name,
        "statuses": statuses,
        "name": result.userInfo.name,
        "signature": result.signature,
        "ocspResponse": result.ocspResponse,
        "certificate": result.userInfo.certificate,
        "nil": bool(service.Authenticate(personalNumber=zeep.xsd.Nil if hasattr(zeep.xsd, "Nil") else None, userNonVisibleData="bm9uY2U=")),
        "refusal": refusal(service),
    }
json.dump(answers, sys.stdout)
