package conformance

const (
	stepUpSection = "OIDC Core §5.5.1.1"
	unmetSection  = "OpenID Connect Core Unmet Authentication Requirements §2"
)

// HigherACR returns an acr that a login has only when it was asked for.
func (c *Case) HigherACR() string {
	values := c.meta.List("acr_values_supported")
	if len(values) < 2 {
		panic(end{NotApplicable, "the metadata's acr_values_supported has one value"})
	}
	return values[len(values)-1]
}

// stepUp are checks of levels that cost the person more than a login usually does.
var stepUp = []Check{
	{"step-up", "a login that must have a higher acr has it", stepUpSection, "", func(c *Case) {
		for _, pairs := range [][]string{{"acr_values", c.HigherACR()}, {"claims", acrClaims(c.HigherACR(), true)}} {
			t := c.SignIn("stepped", pairs...)
			c.Want(t.Claims["acr"] == c.HigherACR(), "acr is %v", t.Claims["acr"])
		}
		t := c.Shared("stepped")
		c.Want(t.Claims["acr"] != c.HigherACR(), "a login that was not asked for it has it")
	}},
	{"step-up-session", "a session of a lesser login does not answer for a higher acr, even where a lesser one would do", stepUpSection, "", func(c *Case) {
		b := c.SignIn("stepped").Browser
		c.WantSession(b, "stepped", true)
		for _, pairs := range [][]string{{"acr_values", c.HigherACR() + " " + c.ACR()}, {"claims", acrClaims(c.HigherACR(), true)}} {
			c.WantReplyError(c.Ask(b, c.Request("stepped", append(pairs, "prompt", "none")...)), "login_required", "unmet_authentication_requirements")
		}
	}},
	{"step-up-kept", "the session of a higher login answers for it, and for less by the usual acr", stepUpSection, "", func(c *Case) {
		b := c.SignIn("stepped", "acr_values", c.HigherACR()).Browser
		for want, pairs := range map[string][]string{c.HigherACR(): {"acr_values", c.HigherACR()}, c.ACR(): nil} {
			q := c.Request("stepped", append(pairs, "prompt", "none")...)
			t := c.Redeem(b, q, c.Code(c.Ask(b, q)))
			c.Want(t.Claims["acr"] == want, "acr is %v, want %s", t.Claims["acr"], want)
		}
	}},
	{"step-up-without-leave", "a client that may not have an acr is refused it as essential, and does without it as a wish", unmetSection, "", func(c *Case) {
		c.WantReplyError(c.Ask(c.Browser(), c.Request("basic", "claims", acrClaims(c.HigherACR(), true))), "unmet_authentication_requirements")
		t := c.SignIn("basic", "acr_values", c.HigherACR())
		c.Want(t.Claims["acr"] != c.HigherACR(), "it was given")
	}},
}
