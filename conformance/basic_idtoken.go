package conformance

import (
	"fmt"
	"strings"
)

// basicIDToken are checks of the ID token.
var basicIDToken = []Check{
	{"id-token-es256", "ID tokens are signed with the registered algorithm: ES256", "OIDC Core §3.1.3.7", "", signedWith("basic", "ES256")},
	{"id-token-es384", "ID tokens are signed with the registered algorithm: ES384", "OIDC Core §3.1.3.7", "", signedWith("es384", "ES384")},
	{"id-token-es512", "ID tokens are signed with the registered algorithm: ES512", "OIDC Core §3.1.3.7", "", signedWith("es512", "ES512")},
	{"id-token-rs256", "ID tokens are signed with the registered algorithm: RS256", "OIDC Core §15.1", "oidcc-idtoken-signature", signedWith("rs256", "RS256")},
	{"id-token-rs384", "ID tokens are signed with the registered algorithm: RS384", "OIDC Core §3.1.3.7", "", signedWith("rs384", "RS384")},
	{"id-token-rs512", "ID tokens are signed with the registered algorithm: RS512", "OIDC Core §3.1.3.7", "", signedWith("rs512", "RS512")},
	{"id-token-ps256", "ID tokens are signed with the registered algorithm: PS256", "OIDC Core §3.1.3.7", "", signedWith("ps256", "PS256")},
	{"id-token-eddsa", "ID tokens are signed with the registered algorithm: EdDSA", "OIDC Core §3.1.3.7", "", signedWith("eddsa", "EdDSA")},
	{"id-token-encrypted-rsa", "an encrypted ID token is signed inside and has the registered alg and enc", "OIDC Core §2", "", encryptedWith("sealed", "RSA-OAEP", "A256GCM")},
	{"id-token-encrypted-ec", "an ID token can be encrypted with ECDH-ES", "OIDC Core §2", "", encryptedWith("sealed-ec", "ECDH-ES", "A128CBC-HS256")},
	{"id-token-type", "an ID token is not taken for another kind of JWT", "RFC 8725 §3.11", "", func(c *Case) {
		kind := strings.ToLower(text(c.Shared("basic").JOSE["typ"]))
		c.Want(kind == "" || kind == "jwt" || kind == "id_token+jwt", "typ is %q", kind)
	}},
	{"id-token-no-keys", "the header brings no key and no address of one", "RFC 8725 §3.10", "", func(c *Case) {
		for _, name := range []string{"jwk", "jku", "x5u", "x5c"} {
			c.Want(c.Shared("basic").JOSE[name] == nil, "the header has %s", name)
		}
	}},
	{"id-token-audience", "the audience is the client alone", "OIDC Core §2", "", func(c *Case) {
		c.Want(len(audienceOf(c.Shared("basic").Claims)) == 1, "aud is %v", c.Shared("basic").Claims["aud"])
	}},
	{"id-token-at-hash", "at_hash, where it is, belongs to the access token", "OIDC Core §3.1.3.6", "", func(c *Case) {
		for _, role := range []string{"basic", "es384", "eddsa"} {
			t := c.Shared(role)
			if hash := text(t.Claims["at_hash"]); hash != "" {
				c.Want(hash == leftHash(t.JOSE["alg"], t.Access), "at_hash of %v is wrong", t.JOSE["alg"])
			}
		}
	}},
	{"id-token-times", "exp lies after iat, iat not before auth_time, all whole numbers", "OIDC Core §2", "", func(c *Case) {
		claims := c.Shared("basic").Claims
		issued, expires, at := c.number(claims, "iat"), c.number(claims, "exp"), c.number(claims, "auth_time")
		c.Want(expires > issued && issued >= at, "exp %v, iat %v, auth_time %v", expires, issued, at)
		c.Want(issued == float64(int64(issued)) && expires == float64(int64(expires)), "times are no whole seconds")
	}},
	{"id-token-amr", "amr is an array of strings", "OIDC Core §2", "", func(c *Case) {
		claims := c.Shared("basic").Claims
		if array, ok := claims["amr"].([]any); claims["amr"] != nil {
			c.Want(ok && len(array) == len(Metadata(claims).List("amr")) && len(array) > 0, "amr is %v", claims["amr"])
		}
	}},
	{"id-token-acr", "acr is one of acr_values_supported", "OIDC Core §2", "", func(c *Case) {
		acr := text(c.Shared("basic").Claims["acr"])
		c.Want(contains(c.meta.List("acr_values_supported"), acr), "acr is %q", acr)
	}},
	{"id-token-claims-announced", "claims_supported names what ID tokens hold", "OIDC Discovery §3", "", func(c *Case) {
		for name := range c.Shared("basic", "scope", "openid profile").Claims {
			c.Want(contains(c.meta.List("claims_supported"), name), "claims_supported lacks %s", name)
		}
	}},
	{"sub-stable", "the same person has the same sub at the same client", "OIDC Core §2", "", func(c *Case) {
		first, second := c.SignIn("basic"), c.SignIn("basic")
		c.Want(first.Claims["sub"] == second.Claims["sub"], "sub changed")
	}},
	{"sub-distinct", "two people have two subs", "OIDC Core §2", "", func(c *Case) {
		first := c.SignIn("basic")
		c.Become("")
		c.Want(c.SignIn("basic").Claims["sub"] != first.Claims["sub"], "two people have the same sub")
	}},
	{"sub-pairwise", "clients of different sectors see different subs", "OIDC Core §8.1", "", func(c *Case) {
		c.Offered("subject_types_supported", "pairwise")
		one, other := c.SignIn("sector-one"), c.SignIn("sector-other")
		c.Want(one.Claims["sub"] != other.Claims["sub"], "two sectors see the same sub")
	}},
	{"sub-sector", "clients of one sector see the same sub", "OIDC Core §8.1", "", func(c *Case) {
		c.Offered("subject_types_supported", "pairwise")
		one, two := c.SignIn("sector-one"), c.SignIn("sector-two")
		c.Want(one.Claims["sub"] == two.Claims["sub"], "one sector sees two subs")
	}},
	{"sub-says-nothing", "sub holds nothing of the person", "OIDC Core §8.1", "", func(c *Case) {
		t := c.Shared("basic")
		sub := text(t.Claims["sub"])
		for name, value := range t.Person.Claims {
			if len(value) < 5 {
				continue // such as Bo: so few letters stand in a random text now and then
			}
			c.Want(!strings.Contains(strings.ToLower(sub), strings.ToLower(value)), "sub holds the person's %s", name)
		}
		c.Want(!strings.Contains(sub, t.Person.Name), "sub holds the name that the person logs in with")
	}},
	{"tokens-hold-no-number", "nothing of the person stands in a code, a reply or an opaque token", "RFC 9700 §4.2", "", func(c *Case) {
		b, q := c.Browser(), c.Request("basic")
		r := c.Login(b, q)
		c.Code(r)
		c.Want(!strings.Contains(fmt.Sprint(r.Params), c.person.Name), "the reply holds what the person logs in with")
	}},
}

func signedWith(role, alg string) func(*Case) {
	return func(c *Case) {
		c.Offered("id_token_signing_alg_values_supported", alg)
		t := c.Shared(role)
		c.Want(t.JOSE["alg"] == alg, "the ID token is signed with %v", t.JOSE["alg"])
	}
}

func encryptedWith(role, alg, enc string) func(*Case) {
	return func(c *Case) {
		c.Offered("id_token_encryption_alg_values_supported", alg)
		t := c.Shared(role)
		c.Want(strings.Count(t.ID, ".") == 4, "the ID token is not encrypted")
		head := c.peek(t.ID, 0)
		c.Want(head["alg"] == alg && head["enc"] == enc, "it is encrypted with %v and %v, registered are %s and %s", head["alg"], head["enc"], alg, enc)
		c.Want(strings.EqualFold(text(head["cty"]), "JWT"), "cty is %v, want JWT (RFC 7519 §5.2)", head["cty"])
	}
}
