import { assigned, type OwnRule } from './rule.js';
import type { Range } from './validators.js';

/** In running text a password is told from a word by a digit or a sign in it. */
const said = (match: RegExpExecArray): Range | undefined =>
  /[0-9!#$%^&*+=?@~]/.test(match.at(-1)?.slice(0, -1) ?? '') ? assigned(match) : undefined;

/** The same where more words stand between: a number or a sign alone is not enough. */
const saidLater = (match: RegExpExecArray): Range | undefined => {
  const value = match.at(-1) ?? '';
  return value.length >= 6 && /[A-Za-z]/.test(value) && !/^v?\d[\d.]*$/.test(value) ? said(match) : undefined;
};

/** Passwords: a word or an option names them, or their place in a URL. */
export const PASSWORD_RULES: readonly OwnRule[] = [
  {
    kind: 'password',
    anchors: ['pass', 'pw', 'mdp', 'kennwort', 'contrase', 'senha'],
    pattern:
      /(?:passw(?:or)?d|passphrase|passcode|passwort|kennwort|mot de passe|contrase\u00f1a|senha|(?<![a-z])(?:pwd|pass|pw|mdp)|(?:root|admin|user|db|my|new|old|login|wifi|ssh|ftp)_?(?:pw|pass|pwd))["']?\s{0,4}(?:=>|[:=]{1,2}|\((?=["'`]))\s{0,4}["'`]?((?:[^\s"'`,;&]|&(?![a-z_]{1,32}=)){4,128})/gi,
    pick: assigned,
  },
  {
    kind: 'password',
    anchors: ['pass', 'pw', 'mdp', 'kennwort', 'contrase', 'senha'],
    pattern:
      /(?:password|passphrase|passcode|passwort|kennwort|passe|contrase\u00f1a|senha|\bpwd?|\bmdp)\s{1,4}(?:is|to|ist|lautet|est|es|\u00e9)\s{1,4}["'`]?([^\s"'`,;]{4,128})/gi,
    pick: said,
  },
  {
    kind: 'password',
    anchors: ['pass', 'kennwort', 'contrase', 'senha'],
    pattern:
      /(?:password|passphrase|passcode|passwort|kennwort|passwd|contrase\u00f1a|senha)(?![a-z])[^\n.;:=]{1,40}?(?:\bis|\bto|:|=|->|\u2192)\s{1,3}["'`]?([^\s"'`,;]{6,128})/gi,
    pick: saidLater,
  },
  {
    kind: 'password',
    anchors: ['pass'],
    pattern: /(?:password|passphrase|passcode|passwort)\s{1,3}(?:["'`(]|\u201c|\u201e)([^\s"'`()\u201c\u201d]{4,64})/gi,
    pick: said,
  },
  {
    kind: 'password',
    anchors: ['login', 'identified by', 'requirepass', 'net user ', 'auth'],
    pattern:
      /(?:\blogin\s{1,3}\S{1,64}\s{1,3}password\s{1,3}|\bidentified by\s{1,3}|\brequirepass\s{1,3}|\bnet user \S{1,64} |\bAUTH\s{1,3})["'`]?([^\s"'`;]{4,128})/gi,
    pick: said,
  },
  {
    kind: 'password',
    anchors: ['-u', '--user'],
    gate: /-u|--user/,
    pattern:
      /\b(?:curl|wget|http|https|httpie)\s(?:[^\n|]{0,160}?\s)?(?:-u|--user)[ =]?["']?[^\s:"']{1,64}:([^\s"']{4,128})/gi,
    pick: assigned,
  },
  {
    kind: 'password',
    anchors: ['pass', 'pwd', 'pw', 'mysql', 'mongo', 'redis-cli', 'smbclient'],
    gate: /-[a-z-]{0,24}p/i,
    pattern:
      /(?<![\w-])(?:--?[a-z-]{0,24}?(?:password|passwd|passphrase|pass|pwd|pw)[ =]|(?:sshpass|mysql|mysqldump|mysqladmin|mongo|redis-cli|smbclient)\s(?:[^\n|;]{0,120}?\s)?-p ?)["']?([^\s"'|;-][^\s"'|;]{3,127})/gi,
    pick: assigned,
  },
  {
    kind: 'password',
    anchors: ['password', 'passwd', 'pass', 'pwd'].flatMap((word) => [`${word}>`, `${word}">`, `${word}'>`]),
    pattern: /(?:password|passwd|pass|pwd)["']?>([^<>\s]{4,128})(?=<\/)/gi,
    pick: assigned,
  },
  {
    kind: 'password',
    anchors: ['\u30d1\u30b9\u30ef\u30fc\u30c9'],
    pattern: /\u30d1\u30b9\u30ef\u30fc\u30c9[^!-~\n]{0,6}[:="']{0,3}([!-~]{4,64})/g,
    pick: said,
  },
  {
    kind: 'password',
    anchors: ['ldap', 'htpasswd', 'sqlplus', 'chpasswd'],
    pattern:
      /(?:\bldap[a-z]{2,10}\s(?:[^\n|]{0,160}?\s)?-w ?|\bhtpasswd\s(?:[^\n|]{0,80}?\s)?-\w{0,4}b\w{0,4}\s\S{1,64}\s\S{1,64}\s|\bsqlplus\s(?:[^\n|]{0,60}?\s)?[\w.]{1,64}\/|\w:(?=[^\s"'|]{4,64}["']?\s?\|\s?(?:sudo )?chpasswd))["']?([^\s"'|@]{4,128})/gi,
    pick: assigned,
  },
  {
    kind: 'password',
    anchors: ['-U'],
    pattern: /\s-U ?[^\s%]{1,64}%([^\s"']{4,128})/g,
    pick: assigned,
  },
  {
    kind: 'password',
    anchors: ['name=', 'name="', "name='"].flatMap((name) => [`${name}pwd`, `${name}pass`]),
    pattern: /name=["']?(?:pwd|pass(?:word|wd)?)["']?[^<>]{0,80}?value=["']([^"'<>]{4,128})/gi,
    pick: assigned,
  },
  {
    kind: 'password',
    anchors: ['://'],
    pattern: /:\/\/[^\s:/@]{0,64}:([^\s/@]{1,128})(?=@)/g,
    pick: assigned,
  },
];
