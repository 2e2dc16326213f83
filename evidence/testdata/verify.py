#!/usr/bin/env python3
"""Verifies evidence files without brygga: Python, Debian's python3-cryptography, and openssl for time stamps and PKCS#7.

    verify.py --root ROOT.pem [--netid-issuer ISSUER.pem] [--key AUDIT-KEY] [--stamp-root ROOT.pem] FILE...

One line for each file: "ok", or "refused" and the checks that failed. It shares no code with brygga and follows docs/signing.md and docs/netid.md alone.
"""
import argparse, base64, datetime, hashlib, json, re, subprocess, sys, tempfile

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID as EKU, NameOID

SKEW = datetime.timedelta(minutes=2)
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
B64, WORD = r"[A-Za-z0-9+/]*={0,2}", r"[^<>&\x00-\x1f\x7f]*"


class Refused(Exception):
    pass


def need(condition, check):
    if not condition:
        raise Refused(check)


def strict(text, check):
    """Base64 that is the one way of writing its content."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(check)
    need(base64.b64encode(raw).decode() == text, check)
    return raw


def no_twice(pairs):
    need(len({key for key, _ in pairs}) == len(pairs), "record")
    return dict(pairs)


def read(path):
    """The header and the record of a file, and the record's bytes."""
    text = open(path, "rb").read()
    parts = text.split(b"\n")
    need(len(parts) == 3 and parts[2] == b"", "record")
    try:
        head = json.loads(parts[0], object_pairs_hook=no_twice)
        record = json.loads(parts[1], object_pairs_hook=no_twice)
    except ValueError:
        raise Refused("record")
    need(head.get("format") == "brygga evidence 1" and record.get("format") == "brygga evidence record 1", "record")
    again = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
    need(again == parts[1], "record")
    members = {"format", "id", "issuer", "client_id", "client_name", "txn", "method", "sent", "result", "root"}
    more = {"netid"} if record.get("method") == "netid" else {"payment"} if record.get("sent", {}).get("kind") == "payment" else set()
    need(set(record) == members | more, "record")
    return head, record, parts[1]


def when(text):
    need(text.endswith("Z"), "record")
    text = re.sub(r"(\.\d{6})\d*", r"\1", text[:-1])
    form = "%Y-%m-%dT%H:%M:%S.%f" if "." in text else "%Y-%m-%dT%H:%M:%S"
    try:
        return datetime.datetime.strptime(text, form)
    except ValueError:
        raise Refused("record")


def complete(record):
    sent = record["sent"]
    need(record["method"] in ("bankid", "netid") and record["id"] and record["issuer"] and record["client_id"] and record["txn"], "record")
    need(sent["kind"] in ("auth", "sign", "phone/auth", "phone/sign", "payment"), "record")
    if record["method"] == "netid":
        complete_net_id(sent, record["netid"])
    else:
        need(sent["relying_party"] and sent["relying_party_name"], "record")
    need(sent["kind"] != "auth" or record["method"] == "netid" or not base64.b64decode(sent["data"] or "").startswith(b"brygga payment 1"), "record")
    start, end = when(sent["started_at"]), when(sent["ended_at"])
    need(start.year > 1 and start <= end <= start + datetime.timedelta(hours=1), "record")
    return start, end


def complete_net_id(sent, n):
    signs = sent["kind"] == "sign"
    need(signs or sent["kind"] == "auth", "record")
    need(not (sent["relying_party"] or sent["relying_party_name"] or sent["policies"] or sent["text_format"]), "record")
    if signs:
        need(sent["text"] and len(base64.b64decode(n["salt"] or "")) == 32 and not n["nonce"] and n["format"] == "pkcs7", "record")
    else:
        need(not sent["text"] and not sent["data"] and not n["salt"] and len(n["nonce"]) == 44 and len(strict(n["nonce"], "record")) == 32, "record")
    need(n["format"] in ("pkcs7", "raw-256", "raw-512") and n["revocation"] in ("ocsp", "service"), "record")
    need(n["identifier"] in ("serialNumber", "upn") and n["user_info"] in ("", "personalNumber", "userId", "userUniqueName"), "record")
    need(0 < n["max_ocsp_age"] <= 7 * 24 * 3600 and 0 < n["skew"] <= 600, "record")


REFERENCE = (r'<Transforms><Transform Algorithm="' + re.escape(C14N) + r'"></Transform></Transforms>'
             r'<DigestMethod Algorithm="http://www\.w3\.org/2001/04/xmlenc#sha256"></DigestMethod><DigestValue>(' + B64 + r')</DigestValue></Reference>')
DOCUMENT = re.compile(
    r'<\?xml version="1\.0" encoding="UTF-8" standalone="no"\?><Signature xmlns="http://www\.w3\.org/2000/09/xmldsig#">'
    r'(<SignedInfo xmlns="http://www\.w3\.org/2000/09/xmldsig#"><CanonicalizationMethod Algorithm="' + re.escape(C14N) + r'"></CanonicalizationMethod>'
    r'<SignatureMethod Algorithm="http://www\.w3\.org/2001/04/xmldsig-more#rsa-sha256"></SignatureMethod>'
    r'<Reference Type="http://www\.bankid\.com/signature/v1\.0\.0/types" URI="#bidSignedData">' + REFERENCE +
    r'<Reference URI="#bidKeyInfo">' + REFERENCE + r'</SignedInfo>)<SignatureValue>(' + B64 + r')</SignatureValue>'
    r'(<KeyInfo xmlns="http://www\.w3\.org/2000/09/xmldsig#" Id="bidKeyInfo"><X509Data>'
    r'<X509Certificate>(' + B64 + r')</X509Certificate><X509Certificate>(' + B64 + r')</X509Certificate><X509Certificate>(' + B64 + r')</X509Certificate>'
    r'</X509Data></KeyInfo>)<Object>(<bankIdSignedData xmlns="http://www\.bankid\.com/signature/v1\.0\.0/types" Id="bidSignedData">.*</bankIdSignedData>)</Object></Signature>', re.S)
DATA = re.compile(
    r'<bankIdSignedData [^>]*>(?:<usrVisibleData charset="UTF-8"(?: format="(' + WORD + r')")? visible="wysiwys">(' + B64 + r')</usrVisibleData>)?'
    r'(?:<usrNonVisibleData>(' + B64 + r')</usrNonVisibleData>)?<srvInfo><name>(' + B64 + r')</name><nonce>' + B64 + r'</nonce><displayName>(' + B64 + r')</displayName></srvInfo>'
    r'<clientInfo><funcId>(Signing|Identification)</funcId>.*</clientInfo></bankIdSignedData>', re.S)


def signed_by(certificate, signature, text, algorithm, check):
    try:
        certificate.public_key().verify(signature, text, padding.PKCS1v15(), algorithm)
    except (InvalidSignature, AttributeError, TypeError, ValueError):
        raise Refused(check)


def issued(certificate, issuer, at, check):
    need(certificate.issuer == issuer.subject, check)
    need(certificate.not_valid_before <= at <= certificate.not_valid_after, check)
    signed_by(issuer, certificate.signature, certificate.tbs_certificate_bytes, certificate.signature_hash_algorithm, check)


def authority(certificate):
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def of_name(certificate, oid):
    return [a.value for a in certificate.subject.get_attributes_for_oid(oid)]


def result(record, start, end, root):
    sent, res = record["sent"], record["result"]
    xml = strict(res["signature"], "structure").decode("utf-8", "strict")
    m = DOCUMENT.fullmatch(xml)
    need(m, "structure")
    info, data_digest, keys_digest, value, keys, leaf, issuer, bank, data = m.groups()
    need(base64.b64encode(hashlib.sha256(data.encode()).digest()).decode() == data_digest, "digest")
    need(base64.b64encode(hashlib.sha256(keys.encode()).digest()).decode() == keys_digest, "digest")
    try:
        leaf, issuer, bank = (x509.load_der_x509_certificate(strict(c, "certificate")) for c in (leaf, issuer, bank))
    except ValueError:
        raise Refused("certificate")
    signed_by(leaf, strict(value, "signature"), info.encode(), hashes.SHA256(), "signature")

    try:
        answer = ocsp.load_der_ocsp_response(strict(res["ocsp_response"], "ocsp_structure"))
        need(answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL and len(answer.certificates) == 1, "ocsp_structure")
        nonce = [e for e in answer.extensions if e.oid.dotted_string == "1.3.6.1.5.5.7.48.1.2"]
    except ValueError:
        raise Refused("ocsp_structure")
    at, responder = answer.produced_at, answer.certificates[0]
    need(authority(issuer) and authority(bank) and authority(root) and not authority(leaf), "chain")
    for certificate, above in ((leaf, issuer), (issuer, bank), (bank, root)):
        issued(certificate, above, at, "chain")
    need(root.not_valid_before <= at <= root.not_valid_after, "chain")

    issued(responder, issuer, at, "ocsp_responder")
    need(list(responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [EKU.OCSP_SIGNING], "ocsp_responder")
    need(answer.responder_name == responder.subject, "ocsp_responder")
    signed_by(responder, answer.signature, answer.tbs_response_bytes, hashes.SHA256(), "ocsp_signature")
    key = issuer.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    need(answer.serial_number == leaf.serial_number and answer.issuer_key_hash == hashlib.sha1(key).digest(), "ocsp_certificate")
    need(answer.certificate_status == ocsp.OCSPCertStatus.GOOD, "ocsp_status")
    told = nonce[0].value.nonce if nonce and hasattr(nonce[0].value, "nonce") else b""
    need(hashlib.sha1(res["signature"].encode()).digest() in told[:22], "nonce")
    need(start - SKEW <= at <= end + SKEW, "time")

    m = DATA.fullmatch(data)
    need(m, "structure")
    shape, visible, hidden, name, display, function = m.groups()
    signing = sent["kind"] in ("sign", "phone/sign")
    need(function == ("Signing" if signing else "Identification"), "function")
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    need((usage.content_commitment, usage.digital_signature) == (signing, not signing), "key_usage")
    policies = [p.policy_identifier.dotted_string for p in leaf.extensions.get_extension_for_class(x509.CertificatePolicies).value]
    need(not sent["policies"] or any(fits(p, q) for p in policies for q in sent["policies"]), "policy")
    need(base64.b64decode(display).decode() == sent["relying_party_name"] and base64.b64decode(name).decode() == sent["relying_party"], "relying_party")
    need((visible or "") == (sent["text"] or ""), "visible_data")
    need(not visible or (shape or "plaintext") == (sent["text_format"] or "plaintext"), "visible_data")
    need((hidden or "") == (sent["data"] or ""), "non_visible_data")
    need(of_name(leaf, NameOID.SERIAL_NUMBER) == [res["personal_number"]], "person")
    need(of_name(leaf, NameOID.COMMON_NAME) == [res["name"]], "name")
    need(of_name(leaf, NameOID.GIVEN_NAME) == [res["given_name"]] and of_name(leaf, NameOID.SURNAME) == [res["surname"]], "name")


def payment(record):
    """What was signed along names the payment."""
    if record["sent"]["kind"] == "payment":
        lines = base64.b64decode(record["sent"]["data"] or "").decode("utf-8", "replace").split("\n")
        text = json.dumps(record["payment"], separators=(",", ":"), ensure_ascii=False).encode()
        need(len(lines) == 3 and lines[0] == "brygga payment 1" and lines[2] == hashlib.sha256(text).hexdigest(), "payment")


PURPOSES = {1: EKU.SERVER_AUTH, 2: EKU.CLIENT_AUTH, 3: EKU.CODE_SIGNING, 4: EKU.EMAIL_PROTECTION}
UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True)


def by_key(certificate, signature, text, algorithm, check):
    """A signature by a key of either kind."""
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, padding.PKCS1v15(), algorithm)
        else:
            key.verify(signature, text, ec.ECDSA(algorithm))
    except (InvalidSignature, AttributeError, TypeError, ValueError):
        raise Refused(check)


def issued_by(certificate, issuer, start, end, check, time_check):
    need(certificate.issuer == issuer.subject, check)
    by_key(issuer, certificate.signature, certificate.tbs_certificate_bytes, certificate.signature_hash_algorithm, check)
    for one in (certificate, issuer):
        need(one.not_valid_before <= start and end <= one.not_valid_after + datetime.timedelta(seconds=1), time_check)


def signed_content(sent, n):
    """The bytes that the person signed."""
    decode = lambda text: base64.b64decode(text or "")
    text, data = decode(sent["text"]), decode(sent["data"])
    code = (lambda b: b.decode().encode("utf-16-le")) if n["utf16"] else (lambda b: b)
    if not text:
        return decode(n["nonce"]) if n["decoded"] else code(n["nonce"].encode())
    hashed = hashlib.sha256(b"net id signature\n" + decode(n["salt"]) + hashlib.sha256(text).digest() + hashlib.sha256(data).digest()).digest()
    hidden = base64.b64encode(hashed) + b"." + base64.b64encode(data) + b"."
    shown, between, along = code(text), code(n["separator"].encode()), hidden if n["decoded"] else code(hidden)
    return along + between + shown if n["hidden_first"] else shown + between + along


def pkcs7(raw, named, content):
    """Verifies a signature of one signer over the content, and returns when it says that it was made."""
    with tempfile.TemporaryDirectory() as at:
        paths = {name: at + "/" + name for name in ("signature", "certificates", "out", "none")}
        open(paths["signature"], "wb").write(raw)
        told = openssl("cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", paths["signature"])
        need(told.returncode == 0, "structure")
        words = told.stdout.decode("utf-8", "replace")
        there = openssl("pkcs7", "-print_certs", "-inform", "DER", "-in", paths["signature"]).stdout
        pems = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", there, re.S)
        need(words.count("signerInfos:") == 1 and words.count("d.issuerAndSerialNumber:") == 1, "signer")
        need(any(x509.load_pem_x509_certificate(pem) == named for pem in pems), "signer")
        digests = re.findall(r"digestAlgorithm(?:s)?:\s+algorithm: (\S+)", words)
        need(digests and all(d in ("sha256", "sha384", "sha512") for d in digests), "algorithm")
        open(paths["certificates"], "wb").write(named.public_bytes(serialization.Encoding.PEM))
        arguments = ("cms", "-verify", "-noverify", "-nointern", "-certfile", paths["certificates"], "-inform", "DER", "-in", paths["signature"], "-binary", "-out", paths["out"])
        embedded = openssl(*arguments, "-nosigs", "-no_content_verify")
        need(embedded.returncode == 0 and open(paths["out"], "rb").read() == content, "content")
        need(openssl(*arguments).returncode == 0, "signature")
        time = re.search(r"signingTime.*?UTCTIME:(\w+ +\d+ [\d:]+ \d+) GMT", words, re.S)
        return datetime.datetime.strptime(time.group(1), "%b %d %H:%M:%S %Y") if time else None


def net_id(record, start, end, issuer):
    sent, res, n = record["sent"], record["result"], record["netid"]
    skew = datetime.timedelta(seconds=n["skew"])
    raw = strict(res["signature"], "structure")
    need(raw, "structure")
    need(n["certificate"] or n["format"] == "pkcs7", "signer")
    try:
        leaf = x509.load_der_x509_certificate(strict(n["certificate"], "structure"))
    except ValueError:
        raise Refused("structure")
    key = leaf.public_key()
    need(isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048 or isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256, "algorithm")
    at = None
    if n["format"] == "pkcs7":
        at = pkcs7(raw, leaf, signed_content(sent, n))
    else:
        by_key(leaf, raw, signed_content(sent, n), {"raw-256": hashes.SHA256(), "raw-512": hashes.SHA512()}[n["format"]], "signature")
    need(leaf.issuer == issuer.subject and authority(issuer), "issuer")
    by_key(issuer, leaf.signature, leaf.tbs_certificate_bytes, leaf.signature_hash_algorithm, "issuer")
    need(at is None or start - skew <= at <= end + skew, "time")
    issued_by(leaf, issuer, start, end, "issuer", "validity")
    for_people(leaf, n["key_purposes"] or [])
    if res["ocsp_response"] or n["revocation"] == "ocsp":
        not_revoked(res["ocsp_response"], leaf, issuer, start, end, n["max_ocsp_age"], skew)
    known = of_name(leaf, NameOID.SERIAL_NUMBER) if n["identifier"] == "serialNumber" else principal_names(leaf)
    need(len(known) == 1, "identifier")
    said = {"personalNumber": n["personal_number"], "userId": n["user_id"], "userUniqueName": n["unique_name"]}
    named = said[n["user_info"]] if n["user_info"] else next((s for s in said.values() if s), "")
    need(named.lower() == known[0].lower(), "user_info")
    need(res["personal_number"] == known[0], "person")
    need([res["name"]] == of_name(leaf, NameOID.COMMON_NAME), "name")
    need([res["given_name"]] == of_name(leaf, NameOID.GIVEN_NAME) and [res["surname"]] == of_name(leaf, NameOID.SURNAME), "name")


def for_people(leaf, purposes):
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    need(not authority(leaf) and (usage.digital_signature or usage.content_commitment), "purpose")
    try:
        extended = list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return
    need(0 in purposes or any(PURPOSES.get(p) in extended for p in purposes), "purpose")


def principal_names(leaf):
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [n.value[2:].decode() for n in names if isinstance(n, x509.OtherName) and n.type_id == UPN]


def not_revoked(text, leaf, issuer, start, end, age, skew):
    need(text, "ocsp_missing")
    try:
        answer = ocsp.load_der_ocsp_response(strict(text, "ocsp_structure"))
        need(answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL, "ocsp_structure")
        certificates = answer.certificates
    except ValueError:
        raise Refused("ocsp_structure")
    key = issuer.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint) if isinstance(
        issuer.public_key(), ec.EllipticCurvePublicKey) else issuer.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    hashed = hashlib.new(answer.hash_algorithm.name, key).digest()
    need(answer.serial_number == leaf.serial_number and answer.issuer_key_hash == hashed, "ocsp_certificate")
    responder = certificates[0] if certificates else issuer
    if responder != issuer:
        issued_by(responder, issuer, end, end, "ocsp_signature", "ocsp_signature")
        need(list(responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [EKU.OCSP_SIGNING] and not authority(responder), "ocsp_signature")
    by_key(responder, answer.signature, answer.tbs_response_bytes, answer.signature_hash_algorithm, "ocsp_signature")
    need(answer.certificate_status == ocsp.OCSPCertStatus.GOOD, "ocsp_status")
    need(start - datetime.timedelta(seconds=age) <= answer.this_update <= end + skew, "ocsp_time")
    need(answer.next_update is None or answer.next_update >= start - skew, "ocsp_time")


def fits(policy, pattern):
    return re.fullmatch(".+".join(re.escape(part) for part in pattern.split("*")), policy) is not None


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def climb(leaf, path, index, size):
    """The root that a path leads to (RFC 9162 §2.1.3.2)."""
    fn, sn = index, size - 1
    need(0 <= index < size, "audit_log")
    for hash in path:
        need(sn > 0, "audit_log")
        if fn & 1 or fn == sn:
            leaf = node(hash, leaf)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            leaf = node(leaf, hash)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "audit_log")
    return leaf


def logged(head, record, line, key):
    proof = head.get("proof")
    if proof is None:
        need(not key, "audit_log")
        return
    name, short, public = (key or proof["key"]).split("+", 2)
    public = base64.b64decode(public)
    need(hashlib.sha256(name.encode() + b"\n" + public).digest()[:4].hex() == short and public[0] == 1, "audit_log")
    text, _, signatures = proof["checkpoint"].rpartition("\n\n")
    text += "\n"
    signature = [base64.b64decode(s.split(" ")[2]) for s in signatures.splitlines() if s.startswith("\u2014 " + name + " ")]
    need(len(signature) == 1 and signature[0][:4].hex() == short, "audit_log")
    try:
        Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[0][4:], text.encode())
    except InvalidSignature:
        raise Refused("audit_log")
    origin, size, root = text.splitlines()[:3]
    need(origin == name, "audit_log")
    found = False
    for event in proof["events"]:
        leaf = hashlib.sha256(b"\x00" + event["text"].encode()).digest()
        need(climb(leaf, [base64.b64decode(h) for h in event["path"]], event["index"], int(size)) == base64.b64decode(root), "audit_log")
        fields = json.loads(event["text"]).get("fields", {})
        if fields.get("EVIDENCE_SHA256") == hashlib.sha256(line).hexdigest():
            need(fields.get("CLIENT_ID") == record["client_id"] and fields.get("TXN") == record["txn"], "audit_log")
            found = True
    need(found, "audit_log")


def stamped(head, line, root):
    token = head.get("time_stamp")
    if token is None:
        need(not root, "time_stamp")
        return
    if not root:
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(base64.b64decode(token))
        file.flush()
        done = subprocess.run(["openssl", "ts", "-verify", "-digest", hashlib.sha256(line).hexdigest(), "-token_in", "-in", file.name, "-CAfile", root],
                              capture_output=True, text=True)
    need(done.returncode == 0 and "Verification: OK" in done.stdout, "time_stamp")


def verify(path, a):
    """The checks that refuse a file. The three parts stand for themselves: each is made, whatever the others say."""
    head, record, line = read(path)
    start, end = complete(record)
    refused = []
    netid = record["method"] == "netid"
    need(a.netid_issuer or not netid, "root")
    root = x509.load_pem_x509_certificate(open(a.netid_issuer if netid else a.root, "rb").read())
    prove = net_id if netid else result
    for part in (lambda: need((record["root"] or "") == base64.b64encode(root.public_bytes(serialization.Encoding.DER)).decode(), "root"),
                 lambda: prove(record, start, end, root), lambda: payment(record), lambda: logged(head, record, line, a.key), lambda: stamped(head, line, a.stamp_root)):
        try:
            part()
        except Refused as e:
            refused.append(str(e))
    return refused


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--root", required=True)
    p.add_argument("--netid-issuer")
    p.add_argument("--key")
    p.add_argument("--stamp-root")
    p.add_argument("files", nargs="+")
    a, code = p.parse_args(), 0
    for path in a.files:
        try:
            refused = verify(path, a)
        except Refused as e:
            refused = [str(e)]
        print(path, "refused " + " ".join(refused) if refused else "ok")
        code = code or bool(refused)
    sys.exit(code)


main()
