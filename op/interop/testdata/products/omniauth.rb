# An app on omniauth_openid_connect, the gem by which GitLab logs people in.

require 'json'
require 'omniauth_openid_connect'
require 'rack'
require 'rack/handler/webrick'
require 'rack/session/cookie'
require 'webfinger'

SWD.url_builder = WebFinger.url_builder = URI::HTTP # the provider of this test has no certificate

app = Rack::Builder.new do
  use Rack::Session::Cookie, secret: SecureRandom.hex(32)
  use OmniAuth::Builder do
    configure do |c|
      c.allowed_request_methods = %i[get post] # GitLab's page sends a form
      c.silence_get_warning = true
    end
    provider :openid_connect, {
      name: 'openid_connect',
      scope: %i[openid profile],
      response_type: 'code',
      issuer: ENV['ISSUER'],
      discovery: true,
      client_auth_method: 'basic',
      uid_field: 'sub',
      client_options: {
        identifier: ENV['CLIENT_ID'],
        secret: ENV['CLIENT_SECRET'],
        redirect_uri: "#{ENV['APP']}/auth/openid_connect/callback",
      },
    }
  end
  run lambda { |env|
    session = env['rack.session']
    case env['PATH_INFO']
    when '/auth/openid_connect/callback'
      auth = env['omniauth.auth']
      session['claims'] = auth.extra.raw_info.to_h
      session['id_token'] = auth.credentials.id_token
      [303, { 'Location' => '/' }, []]
    when '/'
      claims = session['claims']
      claims ? [200, {}, [claims.to_json]] : [303, { 'Location' => '/auth/openid_connect' }, []]
    when '/logout'
      # The gem has a way out of its own, which tells the provider no client and so does not lead back.
      query = URI.encode_www_form(id_token_hint: session['id_token'], post_logout_redirect_uri: "#{ENV['APP']}/goodbye")
      session.clear
      [303, { 'Location' => "#{ENV['ISSUER']}/logout?#{query}" }, []]
    when '/auth/failure'
      [500, {}, [env['omniauth.error'].inspect]]
    else
      [200, {}, ['{}']]
    end
  }
end

Rack::Handler::WEBrick.run(app.to_app, Host: '127.0.0.1', Port: ENV['PORT'].to_i, AccessLog: [])
