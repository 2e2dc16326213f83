# The portal of LemonLDAP::NG as a relying party, as docs/integrations/lemonldap-ng.md has it: "Run: plackup". The test sets the
# variables in the environment.
use strict;
use warnings;
use HTTP::Tiny;
use JSON;
use Lemonldap::NG::Portal::Main;

my ( $issuer, $dir ) = @ENV{qw(ISSUER DIR)};
my $fetch = sub { HTTP::Tiny->new->get( $issuer . shift )->{content} };
mkdir "$dir/$_" for qw(conf sessions sessions/lock psessions psessions/lock cache notifications);
my $store = sub {
    my %options = ( Directory => "$dir/$_[0]", LockDirectory => "$dir/$_[0]/lock" );
    return { %options, generateModule => 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256' };
};

my %conf = (
    cfgNum => 1, cfgDate => time, cfgAuthor => 'test', key => 'qwertyui',
    portal => "$ENV{APP}/", domain => 'localhost', cookieName => 'lemonldap', securedCookie => 0, portalSkin => 'bootstrap',
    globalStorage     => 'Apache::Session::File', globalStorageOptions     => $store->('sessions'),
    persistentStorage => 'Apache::Session::File', persistentStorageOptions => $store->('psessions'),
    localSessionStorage => 'Cache::FileCache',
    localSessionStorageOptions => { cache_root => "$dir/cache", namespace => 'sessions', default_expires_in => 600 },
    locationRules => {}, exportedHeaders => {}, exportedVars => {}, macros => {}, groups => {}, applicationList => {},
    whatToTrace => '_user', restSessionServer => 1, notification => 0,
    authentication => 'OpenIDConnect', userDB => 'Same', passwordDB => 'Null', registerDB => 'Null',
    oidcOPMetaDataJSON => { bankid => $fetch->('/.well-known/openid-configuration') },
    oidcOPMetaDataJWKS => { bankid => $fetch->('/jwks.json') },
    oidcOPMetaDataExportedVars => { bankid => { map { $_ => $_ } qw(sub name given_name family_name birthdate personalNumber) } },
    oidcOPMetaDataOptions => {
        bankid => {
            oidcOPMetaDataOptionsClientID          => $ENV{CLIENT_ID},
            oidcOPMetaDataOptionsClientSecret      => $ENV{CLIENT_SECRET},
            oidcOPMetaDataOptionsScope             => 'openid profile',
            oidcOPMetaDataOptionsStoreIDToken      => 0,
            oidcOPMetaDataOptionsCheckJWTSignature => 1,
            oidcOPMetaDataOptionsUseNonce          => 1,
            oidcOPMetaDataOptionsIDTokenMaxAge     => 300,
        }
    },
);
open my $file, '>', "$dir/conf/lmConf-1.json" or die $!;
print {$file} JSON->new->canonical->encode( \%conf );
close $file;

Lemonldap::NG::Portal::Main->run( {
    configStorage => { type => 'File', dirName => "$dir/conf" },
    localStorage => 'Cache::FileCache', localStorageOptions => { cache_root => "$dir/cache", namespace => 'conf', default_expires_in => 600 },
    templateDir => '/usr/share/lemonldap-ng/portal/templates', staticPrefix => '/static', logLevel => 'warn', userLogLevel => 'warn',
} );
