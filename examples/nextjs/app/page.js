import { getServerSession } from 'next-auth';
import { options } from '../auth';
import { LogIn, LogOut } from './buttons';

export default async function Home() {
  const person = (await getServerSession(options))?.user;
  if (!person) return <LogIn />;
  return <><p>Hello, {person.name}. Your personal number is {person.personalNumber}.</p><LogOut /></>;
}
