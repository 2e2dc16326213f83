'use client';
import { signIn, signOut } from 'next-auth/react';

export const LogIn = () => <button onClick={() => signIn('bankid', { callbackUrl: '/' })}>Log in with BankID</button>;
export const LogOut = () => <button onClick={() => signOut({ callbackUrl: '/logout' })}>Log out</button>;
