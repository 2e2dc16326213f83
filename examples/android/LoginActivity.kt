// BankID login in an Android app, on AppAuth (net.openid:appauth:0.11.1).
package se.example.app

import android.net.Uri
import android.os.Bundle
import android.util.Base64
import androidx.activity.result.contract.ActivityResultContracts.StartActivityForResult
import androidx.appcompat.app.AppCompatActivity
import net.openid.appauth.AuthorizationException
import net.openid.appauth.AuthorizationRequest
import net.openid.appauth.AuthorizationResponse
import net.openid.appauth.AuthorizationService
import net.openid.appauth.AuthorizationServiceConfiguration
import net.openid.appauth.ResponseTypeValues
import org.json.JSONObject

class LoginActivity : AppCompatActivity() {
    private val issuer = Uri.parse("https://login.example.se")
    private val redirectUri = Uri.parse("https://app.example.se/callback") // an App Link of the app
    private lateinit var service: AuthorizationService

    private val browser = registerForActivityResult(StartActivityForResult()) { result ->
        val data = result.data ?: return@registerForActivityResult show("You were not logged in. Nothing has happened.")
        val answer = AuthorizationResponse.fromIntent(data)
        if (answer == null) explain(AuthorizationException.fromIntent(data)) else redeem(answer)
    }

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        service = AuthorizationService(this)
        if (saved == null) logIn()
    }

    override fun onDestroy() {
        service.dispose()
        super.onDestroy()
    }

    private fun logIn() = AuthorizationServiceConfiguration.fetchFromIssuer(issuer) { configuration, fault ->
        if (configuration == null) return@fetchFromIssuer explain(fault)
        // State, nonce and PKCE are AppAuth's.
        val request = AuthorizationRequest.Builder(configuration, "my-android-app", ResponseTypeValues.CODE, redirectUri)
            .setScopes("openid", "profile").setUiLocales("sv").build()
        browser.launch(service.getAuthorizationRequestIntent(request))
    }

    private fun redeem(answer: AuthorizationResponse) = service.performTokenRequest(answer.createTokenExchangeRequest()) { tokens, fault ->
        val text = tokens?.idToken ?: return@performTokenRequest explain(fault)
        // AppAuth has checked issuer, audience, nonce and times; the token came from the token endpoint by TLS.
        val claims = JSONObject(String(Base64.decode(text.split(".")[1], Base64.URL_SAFE)))
        show("Hello, ${claims.getString("name")}. Your personal number is ${claims.getString("personalNumber")}.")
    }

    private fun explain(fault: AuthorizationException?) = show(
        if (fault?.error == "access_denied" || fault == AuthorizationException.GeneralErrors.USER_CANCELED_AUTH_FLOW)
            "You were not logged in. Nothing has happened." else "The login did not work."
    )

    private fun show(text: String) = runOnUiThread { title = text }
}
