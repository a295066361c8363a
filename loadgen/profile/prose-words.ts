// The words of `prose`, the most frequent ones first: a word of rank k is drawn about 1/k as often as the first.
// Vocabulary of the support desk, the clinic, the bank and the software team, which is what prompts talk about.

const list = (text: string): readonly string[] => text.trim().split(/\s+/);

export const determiners = list('the a this your our every that each another any no their its some one either');

export const nouns = list(`
  customer account request model answer order document message agent user team report invoice question service payment
  contract policy meeting record address patient summary ticket result project source system tool context change list
  number page price deadline delivery product manager region table column query index prompt token session schedule
  claim refund warehouse shipment supplier budget forecast review comment draft paragraph sentence translation email
  attachment form signature password certificate server cluster release branch test incident alert dashboard metric
  threshold latency queue worker pipeline backup archive folder photograph diagram spreadsheet formula estimate
  measurement sample experiment hypothesis dosage allergy appointment prescription diagnosis insurance premium tenant
  landlord mortgage interest balance statement transfer currency exchange tax receipt warranty repair battery screen
  keyboard cable firmware sensor valve engine vehicle route station ticketing passenger luggage airport hotel kitchen
  recipe ingredient garden orchard harvest weather storm river bridge harbour library museum lecture chapter exam
  teacher pupil colleague neighbour visitor stranger candidate applicant interview salary holiday calendar anniversary
  proposal amendment clause paragraph appendix glossary footnote hearing verdict witness evidence permit inspection
  café résumé façade naïveté Zürich München São_Paulo Málaga Kraków 東京 Αθήνα Київ`).map((word) =>
  word.replace('_', ' '),
);

export const adjectives = list(`
  new last whole open short clear correct final first old current long same available recent simple internal public
  large small different monthly early careful complete missing relevant similar local annual separate empty urgent late
  original useful quiet broken shared temporary regional medical legal digital seasonal reliable plain cautious formal
  unusual honest narrow generous outdated thorough partial redundant ambiguous polite technical elderly remote frozen
  bright wooden familiar rural coastal spare brittle`);

export const verbs = list(`
  is has needs shows asks sends keeps finds makes gives opens explains contains follows changes covers returns lists
  mentions replaces confirms describes compares includes requires supports answers checks reads writes moves improves
  repeats updates suggests measures collects approves rejects cancels delays repairs translates summarises publishes
  estimates forwards reviews signs archives schedules restores forgets notices doubts interrupts simplifies overlooks
  contradicts postpones reimburses`);

export const linkers = list(
  'of for in with to from on about after before by without under against near between behind',
);

export const adverbs = list(`
  also now often usually already then again still soon quickly carefully always never rarely together today elsewhere
  politely twice yesterday immediately occasionally separately quietly`);

export const openers = list(`
  However Please Then Today Instead Yesterday Meanwhile Finally Otherwise Unfortunately Thanks Afterwards Therefore
  Besides Perhaps Honestly`);

export const joiners = list('and but because so while if when although until unless whereas');

export const asides = [
  '“as agreed”',
  '– so far –',
  '(see above)',
  '…',
  'e.g. over 25 %',
  'within 3 days',
  'at 09:30',
  'for €120',
  'in 2026',
  'on page 14',
  'at no. 7',
  '👍',
];
