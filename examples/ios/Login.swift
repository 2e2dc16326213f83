// BankID login in an iOS app, on AppAuth (Swift package openid/AppAuth-iOS).
import AppAuth
import UIKit

final class Login {
    private let issuer = URL(string: "https://login.example.se")!
    private let clientID = "my-ios-app"
    private let redirectURI = URL(string: "https://app.example.se/callback")! // an associated domain of the app
    private var flow: OIDExternalUserAgentSession?

    enum Outcome {
        case loggedIn(name: String, personalNumber: String, idToken: String)
        case cancelled
        case failed(Error?)
    }

    func start(from screen: UIViewController, then done: @escaping (Outcome) -> Void) {
        OIDAuthorizationService.discoverConfiguration(forIssuer: issuer) { [self] configuration, error in
            guard let configuration else { return done(.failed(error)) }
            let request = OIDAuthorizationRequest(
                configuration: configuration, clientId: clientID, clientSecret: nil, scopes: [OIDScopeOpenID, OIDScopeProfile],
                redirectURL: redirectURI, responseType: OIDResponseTypeCode, additionalParameters: ["ui_locales": "sv"])
            // State, nonce, PKCE, the exchange of the code and the claims of the ID token are AppAuth's.
            flow = OIDAuthState.authState(byPresenting: request, presenting: screen) { state, error in
                self.flow = nil
                done(Self.outcome(of: state, error))
            }
        }
    }

    /// Takes the answer: call it from `scene(_:continue:)`, or from `scene(_:openURLContexts:)` with a private scheme.
    func resume(with url: URL) -> Bool {
        flow?.resumeExternalUserAgentFlow(with: url) ?? false
    }

    private static func outcome(of state: OIDAuthState?, _ error: Error?) -> Outcome {
        if let fault = error as NSError? {
            let closed = fault.domain == OIDGeneralErrorDomain && fault.code == OIDErrorCode.userCanceledAuthorizationFlow.rawValue
            let refused = fault.domain == OIDOAuthAuthorizationErrorDomain && fault.code == OIDErrorCodeOAuth.accessDenied.rawValue
            return closed || refused ? .cancelled : .failed(error)
        }
        guard let text = state?.lastTokenResponse?.idToken, let claims = OIDIDToken(idTokenString: text)?.claims,
              let name = claims["name"] as? String, let number = claims["personalNumber"] as? String
        else { return .failed(nil) }
        return .loggedIn(name: name, personalNumber: number, idToken: text)
    }
}
