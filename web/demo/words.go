package demo

import (
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// words are the texts of the pages, in English and in Swedish.
var words = map[string][2]string{
	"app":      {"Demo app", "Demoappen"},
	"other":    {"Svenska", "English"},
	"tour":     {"The tour", "Rundturen"},
	"step":     {"Step", "Steg"},
	"new-tab":  {"opens in a new tab", "öppnas i en ny flik"},
	"foot":     {"A sample OpenID Connect client. People who log in here do not exist.", "Ett exempel på en OpenID Connect-klient. De som loggar in här finns inte på riktigt."},
	"no-phone": {"Open the BankID app", "Öppna BankID-appen"},

	"start.title": {"Log in with BankID, in three steps", "Logga in med BankID, i tre steg"},
	"start.lead": {
		"This app knows nothing of BankID. It sends you to the login page with OpenID Connect, as your own app would, and gets a signed answer back.",
		"Den här appen vet inget om BankID. Den skickar dig till inloggningssidan med OpenID Connect, som din egen app skulle göra, och får ett signerat svar.",
	},
	"step1":        {"Log in", "Logga in"},
	"step1.text":   {"You come to the login page. Choose to scan a QR code there.", "Du kommer till inloggningssidan. Välj att skanna en QR-kod där."},
	"step1.button": {"Log in with BankID", "Logga in med BankID"},
	"step2":        {"Open the phone", "Öppna telefonen"},
	"step2.text":   {"The yellow strip on the login page leads to a virtual phone. Scan and approve there, and close it.", "Den gula remsan på inloggningssidan leder till en virtuell telefon. Skanna och godkänn där, och stäng den."},
	"step2.real":   {"Scan the QR code with the BankID app, and approve.", "Skanna QR-koden med BankID-appen, och godkänn."},
	"step3":        {"See what the app got", "Se vad appen fick"},
	"step3.text":   {"The login page brings you back here, with everything that the app learned about you.", "Inloggningssidan tar dig tillbaka hit, med allt som appen fick veta om dig."},
	"asks":         {"What the app asks for", "Vad appen ber om"},
	"asks.profile": {"standard claims too (scope profile)", "standardens uppgifter också (scope profile)"},

	"in.title": {"You are logged in", "Du är inloggad"},
	"in.hello": {"Hello,", "Hej,"},
	"in.lead":  {"This is what the app got: an ID token, signed by the login service and checked here.", "Det här fick appen: en ID-token, signerad av inloggningstjänsten och kontrollerad här."},
	"in.took":  {"It took {s} seconds from the press on the button.", "Det tog {s} sekunder från trycket på knappen."},
	"logout":   {"Log out", "Logga ut"},
	"person":   {"Who you are", "Vem du är"},
	"login":    {"The login", "Inloggningen"},
	"token":    {"The token itself", "Själva token"},
	"others":   {"More", "Mer"},

	"happened": {"What happened", "Vad som hände"},
	"happened.asked": {
		"The app made up a state, a nonce and a secret for PKCE, and sent you to the authorization endpoint.",
		"Appen hittade på state, nonce och en hemlighet för PKCE, och skickade dig till authorization endpoint.",
	},
	"happened.bankid": {"You proved with BankID who you are. The app saw nothing of that.", "Du visade med BankID vem du är. Det såg appen inget av."},
	"happened.code":   {"Your browser brought back a code, which works once. The app exchanged it for tokens, from server to server.", "Din webbläsare kom tillbaka med en kod, som fungerar en gång. Appen bytte den mot tokens, server till server."},
	"happened.checked": {
		"The app checked the ID token: signature ({alg}), issuer, audience, expiry, and that the nonce is its own.",
		"Appen kontrollerade ID-token: signatur ({alg}), utfärdare, mottagare, giltighetstid, och att nonce är dess egen.",
	},
	"happened.userinfo": {"With the access token it asked the userinfo endpoint.", "Med access token frågade den userinfo endpoint."},

	"raw":          {"For developers", "För utvecklare"},
	"raw.json":     {"ID token, decoded", "ID-token, avkodad"},
	"raw.header":   {"Header", "Huvud"},
	"raw.claims":   {"Claims", "Uppgifter"},
	"raw.token":    {"ID token, as it came", "ID-token, som den kom"},
	"raw.userinfo": {"Answer of the userinfo endpoint", "Svar från userinfo endpoint"},

	"out.title": {"You are logged out", "Du är utloggad"},
	"out.lead":  {"You are logged out, here and at the provider.", "Du är utloggad, här och hos inloggningstjänsten."},
	"out.here":  {"You are logged out here. The provider could not be told.", "Du är utloggad här. Inloggningstjänsten kunde inte nås."},
	"out.again": {"Log in again", "Logga in igen"},

	"sign.title":   {"Sign a text", "Skriv under en text"},
	"sign.lead":    {"The app of your eID shows your text, and you sign it. You are not logged in by it.", "Din e-legitimations app visar din text, och du skriver under den. Du blir inte inloggad av det."},
	"sign.label":   {"The text", "Texten"},
	"sign.example": {"I am trying out a signature in the demo app.", "Jag provar en underskrift i demoappen."},
	"sign.button":  {"Sign the text", "Skriv under texten"},

	"signed.title":     {"The text is signed", "Texten är underskriven"},
	"signed.lead":      {"{name} has signed:", "{name} har skrivit under:"},
	"signed.checked":   {"The text stands in the signature itself, and is the one that the app asked for.", "Texten står i själva underskriften, och är den som appen bad om."},
	"proof":            {"What proves it", "Vad som bevisar den"},
	"proof.person":     {"The certificate", "Certifikatet"},
	"proof.issuer":     {"Issued by {issuer}", "Utfärdat av {issuer}"},
	"proof.until":      {"Valid until {date}", "Giltigt till {date}"},
	"proof.revocation": {"Not revoked", "Inte spärrat"},
	"proof.good":       {"The issuer’s answer (OCSP) of {time} UTC says so", "Det säger utfärdarens svar (OCSP) från {time} UTC"},
	"proof.seal":       {"The signature", "Underskriften"},
	"proof.seal.text":  {"It fits the text, the data that was signed along and the key of the certificate.", "Den passar texten, uppgifterna som skrevs under med den och certifikatets nyckel."},
	"signed.raw":       {"The signature", "Underskriften"},

	"again":             {"Try again", "Försök igen"},
	"to-start":          {"To the start", "Till början"},
	"error-code":        {"Error code:", "Felkod:"},
	"error.refused":     {"You are not logged in", "Du är inte inloggad"},
	"error.cancelled":   {"You cancelled the login", "Du avbröt inloggningen"},
	"error.cancelled.t": {"The app learned nothing about you. You can try again whenever you like.", "Appen fick inte veta något om dig. Du kan försöka igen när du vill."},
	"error.unsigned":    {"Nothing was signed", "Inget är underskrivet"},
	"error.unsigned.t":  {"You can try again whenever you like.", "Du kan försöka igen när du vill."},
	"error.text":        {"That text cannot be signed here", "Den texten går inte att skriva under här"},
	"error.text.t":      {"Write something, of at most 1000 characters.", "Skriv något, med högst 1000 tecken."},
	"error.foreign":     {"This login was not started here", "Inloggningen började inte här"},
	"error.foreign.t":   {"It may be old, or from another browser.", "Den kan vara gammal, eller från en annan webbläsare."},
	"error.issuer":      {"The answer came from somebody else", "Svaret kom från någon annan"},
	"error.issuer.t":    {"It was not the login service that this app trusts, so nothing was done with it.", "Det var inte den inloggningstjänst som appen litar på, så inget gjordes med det."},
	"error.verify":      {"The login could not be verified", "Inloggningen gick inte att kontrollera"},
	"error.verify.t":    {"The app's log says why.", "Appens logg säger varför."},
	"error.reach":       {"The login service cannot be reached", "Inloggningstjänsten går inte att nå"},
	"error.reach.t":     {"Try again in a moment.", "Försök igen om en stund."},
	"error.origin":      {"That came from another page", "Det kom från en annan sida"},
	"error.origin.t":    {"Nothing was done.", "Inget gjordes."},
	"error.gone":        {"This signature is no longer here", "Underskriften finns inte kvar här"},
	"error.gone.t":      {"The demo app keeps signatures until it is stopped, for eight hours, and shows each in the browser in which it was made.", "Demoappen har kvar underskrifter tills den stoppas, i åtta timmar, och visar dem i webbläsaren där de gjordes."},
	"error.missing":     {"There is no such page", "Sidan finns inte"},
	"error.missing.t":   {"The demo app has a start, and a page for those who are logged in.", "Demoappen har en startsida, och en sida för den som är inloggad."},

	"m.name":           {"name", "namn"},
	"m.givenName":      {"given name", "förnamn"},
	"m.surname":        {"surname", "efternamn"},
	"m.personalNumber": {"personal number", "personnummer"},
	"m.given_name":     {"given name, standard claim", "förnamn, standardens uppgift"},
	"m.family_name":    {"surname, standard claim", "efternamn, standardens uppgift"},
	"m.birthdate":      {"date of birth", "födelsedatum"},
	"m.sub":            {"who it is, for this app", "vem det är, för den här appen"},
	"m.auth_time":      {"when BankID was used", "när BankID användes"},
	"m.acr":            {"level of assurance", "tillitsnivå"},
	"m.amr":            {"how", "hur"},
	"m.txn":            {"this login, in the provider's audit log", "inloggningen, i tjänstens granskningslogg"},
	"m.sid":            {"session at the provider", "session hos inloggningstjänsten"},
	"m.iss":            {"who says so", "vem som intygar"},
	"m.aud":            {"to whom", "för vem"},
	"m.azp":            {"to which app", "för vilken app"},
	"m.iat":            {"said at", "utfärdad"},
	"m.exp":            {"valid until", "giltig till"},
	"m.nonce":          {"ties it to this login", "knyter den till den här inloggningen"},
}

const (
	languageCookie    = "demo_language"
	languageParameter = "lang"
)

// languages are those of words, in their order; the first is for people who speak none of them.
var languages = []string{"en", "sv"}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Swedish})

// languageOf returns the language to answer in: the one that was chosen, else the best of the browser's.
func languageOf(r *http.Request) string {
	if cookie, err := r.Cookie(languageCookie); err == nil && isLanguage(cookie.Value) {
		return cookie.Value
	}
	_, at := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return languages[at]
}

func isLanguage(tag string) bool { return tag == languages[0] || tag == languages[1] }

// say returns the text of a key with each {name} of the name-value pairs filled in.
func say(tag, key string, pairs ...string) string {
	text := words[key][0]
	if tag == languages[1] {
		text = words[key][1]
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// chooseLanguage keeps the choice of a link such as /?lang=sv and leads back to the page itself.
func (a *app) chooseLanguage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := strings.TrimPrefix(r.URL.RawQuery, languageParameter+"=")
		if r.Method != http.MethodGet || !isLanguage(tag) {
			next.ServeHTTP(w, r)
			return
		}
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: tag, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: a.secureCookies(), SameSite: http.SameSiteLaxMode,
		})
		to := "/"
		if strings.HasPrefix(r.URL.Path, signedPath) {
			to = r.URL.EscapedPath()
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
	})
}
