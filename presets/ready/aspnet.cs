builder.Services.AddAuthentication(o =>
{
    o.DefaultScheme = CookieAuthenticationDefaults.AuthenticationScheme;
    o.DefaultChallengeScheme = OpenIdConnectDefaults.AuthenticationScheme;
})
.AddCookie(o => o.ExpireTimeSpan = TimeSpan.FromMinutes(60))
.AddOpenIdConnect(o =>
{
    o.Authority = "⟪issuer⟫";
    o.ClientId = "⟪id⟫";
    o.ClientSecret = builder.Configuration["BankId:Secret"];
    o.ResponseType = "code";
    o.ResponseMode = "query";
    o.UsePkce = true;
    o.Scope.Clear();
    o.Scope.Add("openid");
    o.Scope.Add("profile");
    o.SaveTokens = true;             // logging out needs the ID token
    o.MapInboundClaims = false;      // keep sub as sub
    o.TokenValidationParameters.NameClaimType = "name";
});
