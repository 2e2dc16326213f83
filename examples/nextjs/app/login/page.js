import { LogIn } from '../buttons';

// NextAuth leads here when a login did not come about: "Callback" covers a person who cancelled.
export default async function Login({ searchParams }) {
  const { error } = await searchParams;
  return <>{error && <p>You were not logged in. Nothing has happened.</p>}<LogIn /></>;
}
