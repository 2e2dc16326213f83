// BankID login in a page without a server. What an API of yours must know, it learns from the access token, not from this page.
import { createRoot } from 'react-dom/client';
import { AuthProvider, useAuth } from 'react-oidc-context';
import { WebStorageStateStore } from 'oidc-client-ts';

const settings = {
  authority: import.meta.env.VITE_ISSUER ?? 'http://localhost:8080',
  client_id: import.meta.env.VITE_CLIENT_ID ?? 'my-page',
  redirect_uri: `${location.origin}/`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile offline_access', // with a refresh token the login lasts beyond the first ten minutes
  userStore: new WebStorageStateStore({ store: sessionStorage }),
  onSigninCallback: () => history.replaceState(null, '', '/'), // takes the code out of the address
};

function App() {
  const auth = useAuth();
  const logIn = <button onClick={() => auth.signinRedirect()}>Log in with BankID</button>;
  const logOut = async () => {
    await auth.revokeTokens(['refresh_token']);
    await auth.removeUser(); // or the ID token, with the personal number, would stand in the address of the log-out
    await auth.signoutRedirect();
  };
  if (auth.isLoading) return <p>One moment…</p>;
  if (auth.error?.innerError?.error === 'access_denied') return <><p>You were not logged in. Nothing has happened.</p>{logIn}</>;
  if (auth.error) return <><p>The login did not work: {auth.error.message}</p>{logIn}</>;
  if (!auth.isAuthenticated) return logIn;
  const { name, personalNumber } = auth.user.profile;
  return <><p>Hello, {name}. Your personal number is {personalNumber}.</p><button onClick={logOut}>Log out</button></>;
}

createRoot(document.getElementById('root')).render(<AuthProvider {...settings}><App /></AuthProvider>);
