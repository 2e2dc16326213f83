module oauth2-proxy-for-make-integrations
go 1.26
require github.com/oauth2-proxy/oauth2-proxy/v7 v7.8.1
