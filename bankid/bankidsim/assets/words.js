// The words of the phone, in the languages of the login page.

const words = {
  en: {
    name: 'Virtual phone', tag: 'Test phone', other: 'Svenska', change: ', change person',
    foot: 'Part of the BankID simulator. Nothing here is BankID, and nobody here is real.',
    noscript: 'The virtual phone needs JavaScript.',
    whose: 'Whose phone is this?', madeUp: 'Everybody here is made up.',
    ready: 'Nothing is waiting', readyLead: 'Start a login in another tab, and it shows up here. Or scan a code by its picture.',
    waiting: 'A login is waiting', waitingLead: 'On a screen nearby. Scan its code, as the camera of a real phone would.',
    waitingSign: 'A signature is waiting', waitingCall: 'You are on the phone', waitingCallLead: 'Open the app while you talk. It asks whether you really do.',
    scanPicture: 'Scan a picture of a code', scanOther: 'Scan another code, or open a link',
    finder: 'Drop or paste a picture of a code here. A screenshot of the whole page will do.',
    camera: 'Use the camera', cameraStop: 'Stop the camera', choosePicture: 'Choose a picture',
    typeText: 'Type or paste text', textLabel: 'Text of a code, or a launch link', useText: 'Use the text',
    scan: 'Scan the QR code', answer: 'Open the app', seconds: '{n} s',
    wantsIdentify: 'wants you to identify yourself', wantsSign: 'wants you to sign', calls: 'on the phone, wants you to identify yourself', callsSign: 'on the phone, wants you to sign',
    identifyTo: 'Identify yourself to', signFor: 'Sign a text for', as: 'As {name}, {number}', looking: 'The app is looking for a BankID.',
    payFor: 'Approve a payment for', approveFor: 'Approve for', approve: 'Approve', amount: 'Amount', recipient: 'Recipient',
    waitingPay: 'A payment is waiting', waitingApprove: 'An approval is waiting', wantsPay: 'wants you to approve a payment', wantsApprove: 'wants your approval',
    textFrom: 'Text from the service', code: 'Security code', codeHelp: 'Any six digits are right, but for 000000.',
    identify: 'Identify', sign: 'Sign', onCall: 'Are you on the phone with them right now?', callYes: 'Yes, I am on the phone', callNo: 'No',
    document: 'They want your passport or identity card to be read.', documentGood: 'Read the document', documentBad: 'Reading fails',
    cancel: 'Cancel', done: 'Done', notDone: 'Not done', goingBack: 'Taking you back.', goBack: 'Go back to the page where you started: it goes on by itself.',
    wouldOpen: 'A phone would now open {address}', back: 'Go back to where you were', close: 'Close the phone', stay: 'Keep it open',
    ended: 'The order ended: {hint}.', sixDigits: 'The code has six digits.', noText: 'Paste the text of a code, or a launch link.',
    noPicture: 'The picture cannot be read.', noCamera: 'The camera cannot be used. Is it allowed for this page?',
    userCancel: 'You cancelled.', cancelled: 'Another order took its place, or the service withdrew it.', expiredTransaction: 'It took too long.',
    startFailed: 'Nobody picked it up in time.', certificateErr: 'Wrong code three times.', userDeclinedCall: 'You said that you are not on the phone.',
    mrtdVerificationFailed: 'The document could not be read.',
  },
  sv: {
    name: 'Virtuell telefon', tag: 'Testtelefon', other: 'English', change: ', byt person',
    foot: 'En del av BankID-simulatorn. Inget här är BankID, och ingen här finns på riktigt.',
    noscript: 'Den virtuella telefonen behöver JavaScript.',
    whose: 'Vems telefon är det här?', madeUp: 'Alla här är påhittade.',
    ready: 'Inget väntar', readyLead: 'Börja logga in i en annan flik, så syns det här. Eller skanna en bild av en kod.',
    waiting: 'En inloggning väntar', waitingLead: 'På en skärm i närheten. Skanna koden, som kameran i en riktig telefon gör.',
    waitingSign: 'En underskrift väntar', waitingCall: 'Du talar i telefon', waitingCallLead: 'Öppna appen medan ni talar. Den frågar om ni verkligen gör det.',
    scanPicture: 'Skanna en bild av en kod', scanOther: 'Skanna en annan kod, eller öppna en länk',
    finder: 'Släpp eller klistra in en bild av en kod här. En skärmbild av hela sidan duger.',
    camera: 'Använd kameran', cameraStop: 'Stäng av kameran', choosePicture: 'Välj en bild',
    typeText: 'Skriv eller klistra in text', textLabel: 'Texten i en kod, eller en startlänk', useText: 'Använd texten',
    scan: 'Skanna QR-koden', answer: 'Öppna appen', seconds: '{n} s',
    wantsIdentify: 'vill att du legitimerar dig', wantsSign: 'vill att du skriver under', calls: 'i telefon, vill att du legitimerar dig', callsSign: 'i telefon, vill att du skriver under',
    identifyTo: 'Legitimera dig hos', signFor: 'Skriv under en text hos', as: 'Som {name}, {number}', looking: 'Appen letar efter ett BankID.',
    payFor: 'Godkänn en betalning hos', approveFor: 'Godkänn hos', approve: 'Godkänn', amount: 'Belopp', recipient: 'Mottagare',
    waitingPay: 'En betalning väntar', waitingApprove: 'Ett godkännande väntar', wantsPay: 'vill att du godkänner en betalning', wantsApprove: 'vill ha ditt godkännande',
    textFrom: 'Text från tjänsten', code: 'Säkerhetskod', codeHelp: 'Vilka sex siffror som helst är rätt, utom 000000.',
    identify: 'Legitimera', sign: 'Skriv under', onCall: 'Talar du i telefon med dem just nu?', callYes: 'Ja, vi talar i telefon', callNo: 'Nej',
    document: 'De vill att ditt pass eller nationella id-kort läses av.', documentGood: 'Läs av id-handlingen', documentBad: 'Avläsningen misslyckas',
    cancel: 'Avbryt', done: 'Klart', notDone: 'Inte klart', goingBack: 'Du skickas tillbaka.', goBack: 'Gå tillbaka till sidan där du började: den fortsätter av sig själv.',
    wouldOpen: 'En telefon skulle nu öppna {address}', back: 'Tillbaka dit du var', close: 'Stäng telefonen', stay: 'Låt den vara öppen',
    ended: 'Ordern slutade: {hint}.', sixDigits: 'Koden har sex siffror.', noText: 'Klistra in texten i en kod, eller en startlänk.',
    noPicture: 'Bilden går inte att läsa.', noCamera: 'Kameran går inte att använda. Är den tillåten för sidan?',
    userCancel: 'Du avbröt.', cancelled: 'En annan order tog dess plats, eller så drog tjänsten tillbaka den.', expiredTransaction: 'Det tog för lång tid.',
    startFailed: 'Ingen öppnade den i tid.', certificateErr: 'Fel säkerhetskod tre gånger.', userDeclinedCall: 'Du svarade att ni inte talar i telefon.',
    mrtdVerificationFailed: 'Id-handlingen gick inte att läsa.',
    // What the people are good for, by the simulator's own words.
    'several given names, å ä ö': 'flera förnamn, å ä ö', 'surname in capitals': 'efternamn i versaler', 'coordination number': 'samordningsnummer',
    'young': 'ung', 'mobile and file': 'i mobilen och på fil', 'short names': 'korta namn', 'one name, which is a given name': 'ett namn, som är ett förnamn',
    'one name, which is a surname': 'ett namn, som är ett efternamn', 'very old': 'mycket gammal',
    'coordination number of a birth whose month and day are not known': 'samordningsnummer, med okänd månad och dag i födelsetiden',
    // Refusals of the simulator, by their codes: in English they come with words of their own.
    'refused.wrongCode': 'Fel säkerhetskod.', 'refused.noQR': 'Det finns ingen läsbar QR-kod i bilden.', 'refused.qrTooOld': 'Koden är för gammal.',
    'refused.qrMalformed': 'Det är inte texten i en QR-kod från BankID.', 'refused.unknownOrder': 'Ordern finns inte, eller finns inte längre.',
    'refused.orderEnded': 'Ordern är avslutad.', 'refused.taken': 'Någon annans app har ordern.', 'refused.wrongPerson': 'Ordern gäller en annan person.',
    'refused.wrongBankID': 'Personen har inget BankID av det slag som behövs.', 'refused.badLaunchLink': 'Det är ingen startlänk.',
  },
};

let tag = 'en';

// speak chooses the language: the one that was chosen before, else the best of the browser's.
export function speak(chosen) {
  const wanted = [chosen, ...navigator.languages].map((l) => (l || '').slice(0, 2));
  tag = wanted.find((l) => words[l]) || 'en';
  document.documentElement.lang = tag;
  document.title = text('name');
  for (const e of document.querySelectorAll('[data-t]')) e.textContent = text(e.dataset.t);
}

export const otherLanguage = () => (tag === 'sv' ? 'en' : 'sv');

// text returns the words of a key with each {name} filled in.
export const text = (key, values = {}) => words[tag][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// known says whether a key has words.
export const known = (key) => Object.hasOwn(words[tag], key);
