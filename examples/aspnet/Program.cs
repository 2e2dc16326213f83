using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;

const string LogIn = "<p><a href=\"/login\">Log in with BankID</a></p>";
var builder = WebApplication.CreateBuilder(args);
var issuer = builder.Configuration["ISSUER"] ?? "http://localhost:8080";
builder.WebHost.UseUrls("http://localhost:3000");
builder.Services.AddAntiforgery();
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
    .AddCookie(o => o.ExpireTimeSpan = TimeSpan.FromMinutes(60))
    .AddOpenIdConnect(o =>
    {
        o.Authority = issuer;
        o.RequireHttpsMetadata = issuer.StartsWith("https:");
        o.ClientId = builder.Configuration["CLIENT_ID"] ?? "my-app";
        o.ClientSecret = builder.Configuration["CLIENT_SECRET"];
        o.CallbackPath = "/callback";
        o.SignedOutCallbackPath = "/goodbye";
        o.ResponseType = "code";
        o.ResponseMode = "query";       // form_post, the stock one, needs https for its cookie
        o.MapInboundClaims = false;     // keep sub as sub
        o.TokenValidationParameters.NameClaimType = "name";
        o.Events.OnRemoteFailure = context =>
        {
            // access_denied: nobody logged in.
            if (context.Request.Query["error"] != "access_denied") return Task.CompletedTask;
            context.HandleResponse();
            context.Response.Redirect("/cancelled");
            return Task.CompletedTask;
        };
        o.Events.OnRedirectToIdentityProviderForSignOut = context =>
        {
            context.ProtocolMessage.ClientId = o.ClientId;
            context.ProtocolMessage.IdTokenHint = null; // it holds the personal number, and this goes into an address
            return Task.CompletedTask;
        };
    });

var app = builder.Build();
app.UseAuthentication();
app.UseAntiforgery();

IResult Html(string body) => Results.Content($"<!doctype html><html lang=\"en\"><title>My app</title>{body}</html>", "text/html; charset=utf-8");

app.MapGet("/", (HttpContext context, IAntiforgery antiforgery) =>
{
    var person = context.User;
    if (person.Identity?.IsAuthenticated != true) return Html(LogIn);
    var token = antiforgery.GetAndStoreTokens(context);
    string Show(string claim) => WebUtility.HtmlEncode(person.FindFirstValue(claim) ?? "");
    return Html($"<p>Hello, {Show("name")}. Your personal number is {Show("personalNumber")}.</p>" +
        $"<form method=\"post\" action=\"/logout\"><input type=\"hidden\" name=\"{token.FormFieldName}\" value=\"{token.RequestToken}\"><button>Log out</button></form>");
});
app.MapGet("/login", () => Results.Challenge(new AuthenticationProperties { RedirectUri = "/" }, [OpenIdConnectDefaults.AuthenticationScheme]));
app.MapGet("/cancelled", () => Html("<p>You were not logged in. Nothing has happened.</p>" + LogIn));
app.MapPost("/logout", async (HttpContext context, IAntiforgery antiforgery) =>
{
    await antiforgery.ValidateRequestAsync(context);
    return Results.SignOut(new AuthenticationProperties { RedirectUri = "/" },
        [CookieAuthenticationDefaults.AuthenticationScheme, OpenIdConnectDefaults.AuthenticationScheme]);
});
app.Run();
