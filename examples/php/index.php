<?php // BankID login in plain PHP 8.1 or newer, with its curl extension and nothing else.
declare(strict_types=1);

$issuer = getenv('ISSUER') ?: 'http://localhost:8080';
$client = getenv('CLIENT_ID') ?: 'my-app';
$secret = getenv('CLIENT_SECRET');
$home = getenv('APP') ?: 'http://localhost:3000';

session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax', 'cookie_secure' => str_starts_with($home, 'https:')]);

/** Calls the provider and returns its JSON answer. */
function call(string $url, array $options = []): array
{
    $curl = curl_init($url);
    curl_setopt_array($curl, $options + [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 10]);
    $answer = json_decode((string) curl_exec($curl), true);
    if (curl_getinfo($curl, CURLINFO_RESPONSE_CODE) !== 200 || !is_array($answer)) {
        throw new RuntimeException("$url: " . ($answer['error_description'] ?? curl_error($curl)));
    }
    return $answer;
}

function random(): string { return bin2hex(random_bytes(32)); }
function base64url(string $bytes): string { return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '='); }
function go(string $url, array $query = []): never
{
    header('Location: ' . $url . ($query ? '?' . http_build_query($query) : ''), true, 303);
    exit;
}

/** Returns the claims of an ID token that came from the token endpoint itself: TLS proves who made it (OpenID Connect Core §3.1.3.7, 6). */
function claims(string $token, string $issuer, string $client, string $nonce): array
{
    $claims = json_decode((string) base64_decode(strtr(explode('.', $token)[1] ?? '', '-_', '+/')), true);
    if (!is_array($claims) || $claims['iss'] !== $issuer || $claims['aud'] !== $client || $claims['exp'] < time() || $claims['nonce'] !== $nonce) {
        throw new RuntimeException('the ID token is not for this login');
    }
    return $claims;
}

$provider = $_SESSION['provider'] ??= call("$issuer/.well-known/openid-configuration");
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$note = '';

if ($path === '/login') {
    $login = $_SESSION['login'] = ['state' => random(), 'nonce' => random(), 'verifier' => random()];
    go($provider['authorization_endpoint'], [
        'client_id' => $client, 'redirect_uri' => "$home/callback", 'response_type' => 'code', 'scope' => 'openid profile',
        'state' => $login['state'], 'nonce' => $login['nonce'],
        'code_challenge' => base64url(hash('sha256', $login['verifier'], true)), 'code_challenge_method' => 'S256',
    ]);
}
if ($path === '/callback') {
    $login = $_SESSION['login'] ?? null;
    unset($_SESSION['login']); // each answer works once
    if (!$login || !hash_equals($login['state'], $_GET['state'] ?? '') || ($_GET['iss'] ?? '') !== $issuer) {
        go('/'); // not an answer to a login of this browser
    }
    if (isset($_GET['code'])) try {
        $tokens = call($provider['token_endpoint'], [
            CURLOPT_USERPWD => rawurlencode($client) . ':' . rawurlencode($secret),
            CURLOPT_POSTFIELDS => http_build_query([
                'grant_type' => 'authorization_code', 'code' => $_GET['code'], 'redirect_uri' => "$home/callback",
                'code_verifier' => $login['verifier'],
            ]),
        ]);
        session_regenerate_id(true);
        $_SESSION['person'] = claims($tokens['id_token'], $issuer, $client, $login['nonce']);
        go('/');
    } catch (RuntimeException $fault) {
        error_log((string) $fault);
    }
    $note = ($_GET['error'] ?? '') === 'access_denied' ? 'You were not logged in. Nothing has happened.' : 'The login did not work.';
}
if ($path === '/logout' && $_SERVER['REQUEST_METHOD'] === 'POST') {
    session_destroy();
    go($provider['end_session_endpoint'], ['client_id' => $client, 'post_logout_redirect_uri' => "$home/"]);
}
$person = $_SESSION['person'] ?? null;
?>
<!doctype html>
<html lang="en">
<title>My app</title>
<?php if ($person): ?>
  <p>Hello, <?= htmlspecialchars($person['name']) ?>. Your personal number is <?= htmlspecialchars($person['personalNumber']) ?>.</p>
  <form method="post" action="/logout"><button>Log out</button></form>
<?php else: ?>
  <p><?= $note ?></p>
  <p><a href="/login">Log in with BankID</a></p>
<?php endif ?>
</html>
