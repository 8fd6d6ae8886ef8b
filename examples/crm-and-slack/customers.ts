/** A record of `CRM.customers` in the form that a memory write takes. */
interface CustomerRecord {
  readonly id: string;
  readonly text: string;
  readonly labels: readonly string[];
  readonly data: {
    readonly name: string;
    readonly email: string;
    readonly phone: string;
    readonly openTickets: number;
  };
}

export const CUSTOMER_COUNT = 240;
export const LEGAL_HOLD = 'vip-legal';

const FIRST_NAMES = [
  'Ada',
  'Bruno',
  'Chidi',
  'Dana',
  'Elif',
  'Farid',
  'Greta',
  'Hiro',
  'Ines',
  'Jonas',
  'Kavya',
  'Liam',
];
const LAST_NAMES = ['Abara', 'Berg', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Gupta', 'Haddad', 'Ivanova', 'Jensen'];
const COMPANIES = ['Northwind', 'Contoso', 'Fabrikam', 'Globex', 'Initech', 'Umbra', 'Vandelay'];
const REGIONS = ['emea', 'apac', 'amer'];
const TIERS = ['gold', 'silver', 'bronze'];
const CONCERNS = [
  'asks why the last invoice was charged twice',
  'cannot sign in after the password reset',
  'wants to move to the yearly plan',
  'reports slow exports on Monday mornings',
  'needs the data processing agreement signed',
  'asks for a refund of the unused seats',
];
// Every twelfth customer: 20 of 240.
const LEGAL_HOLD_EVERY = 12;

/** The customers of the demonstration: the same 240 records at every call. Addresses and numbers are reserved for examples. */
export function customers(): readonly CustomerRecord[] {
  return Array.from({ length: CUSTOMER_COUNT }, (_, index) => customer(index));
}

function customer(index: number): CustomerRecord {
  const first = pick(FIRST_NAMES, index);
  const last = pick(LAST_NAMES, index * 7 + Math.floor(index / 12));
  const company = pick(COMPANIES, index * 3);
  const name = `${first} ${last}`;
  const email = `${first}.${last}.${index + 1}@example.com`.toLowerCase();
  const phone = `+1 202 555 ${String(100 + (index % 100)).padStart(4, '0')}`;
  const isHeld = index % LEGAL_HOLD_EVERY === LEGAL_HOLD_EVERY - 1;
  const concern = isHeld
    ? 'is under litigation hold, counsel is involved in the contract dispute'
    : pick(CONCERNS, index);
  return {
    id: `customer-${String(index + 1).padStart(3, '0')}`,
    text: `${name} of ${company} ${concern}. Reach them at ${email} or ${phone}.`,
    labels: [
      `region:${pick(REGIONS, index)}`,
      `tier:${pick(TIERS, Math.floor(index / 3))}`,
      ...(isHeld ? [LEGAL_HOLD] : []),
    ],
    data: { name, email, phone, openTickets: index % 5 },
  };
}

function pick(choices: readonly string[], index: number): string {
  return choices[index % choices.length] ?? '';
}
