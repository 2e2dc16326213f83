package example;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.HtmlUtils;
import org.springframework.web.util.UriComponentsBuilder;

@SpringBootApplication
@RestController
public class App {
    static final String LOG_IN = "<p><a href=\"/oauth2/authorization/bankid\">Log in with BankID</a></p>";

    public static void main(String[] args) {
        SpringApplication.run(App.class, args);
    }

    @GetMapping("/")
    String home(@AuthenticationPrincipal OidcUser person, CsrfToken csrf) {
        if (person == null) return LOG_IN;
        return "<p>Hello, %s. Your personal number is %s.</p>".formatted(
                HtmlUtils.htmlEscape(person.getClaimAsString("name")), HtmlUtils.htmlEscape(person.getClaimAsString("personalNumber")))
            + "<form method=\"post\" action=\"/logout\"><input type=\"hidden\" name=\"%s\" value=\"%s\"><button>Log out</button></form>"
                .formatted(csrf.getParameterName(), csrf.getToken());
    }

    @GetMapping("/cancelled")
    String cancelled() {
        return "<p>You were not logged in. Nothing has happened.</p>" + LOG_IN;
    }

    @Bean
    SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
        var bankid = clients.findByRegistrationId("bankid");
        var resolver = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
        resolver.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
        return http
            .authorizeHttpRequests(a -> a.requestMatchers("/", "/cancelled", "/error").permitAll().anyRequest().authenticated())
            .oauth2Login(o -> o
                .authorizationEndpoint(e -> e.authorizationRequestResolver(resolver))
                .failureHandler((request, response, fault) -> {
                    boolean cancelled = fault instanceof OAuth2AuthenticationException f && f.getError().getErrorCode().equals("access_denied");
                    if (cancelled) response.sendRedirect("/cancelled");
                    else response.sendError(500, "The login did not work");
                }))
            .logout(l -> l.logoutSuccessHandler((request, response, authentication) -> {
                var home = request.getRequestURL().toString().replaceFirst("/logout$", "/");
                response.sendRedirect(UriComponentsBuilder.fromUriString((String) bankid.getProviderDetails().getConfigurationMetadata().get("end_session_endpoint"))
                    .queryParam("client_id", bankid.getClientId()).queryParam("post_logout_redirect_uri", home).encode().toUriString());
            }))
            .build();
    }
}
