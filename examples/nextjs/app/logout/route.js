import { redirect } from 'next/navigation';
import { logoutURL } from '../../auth';

// The app's own session has ended; this ends the tokens at the provider and comes back.
export function GET() {
  redirect(logoutURL(`${process.env.NEXTAUTH_URL ?? 'http://localhost:3000'}/`));
}
