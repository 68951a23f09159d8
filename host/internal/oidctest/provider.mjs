// A certified OpenID provider on loopback, for tests: npm oidc-provider, in memory. Its first line of input is the options as JSON (see
// Options in oidctest.go), its first line of output the issuer. It ends with its input, so that it never outlives the test.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
const options = JSON.parse(await new Promise((resolve) => lines.once('line', resolve)));
const { default: Provider } = await import(pathToFileURL(options.module).href);

const counts = { issued: {}, refused: {} };
const grants = []; // [account, grant id], for the control below
const server = createServer();
await new Promise((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const second = 1, day = 24 * 3600;
const provider = new Provider(issuer, {
  clients: options.clients.map((c) => ({
    client_id: c.id,
    ...(c.secret ? { client_secret: c.secret } : {}),
    redirect_uris: c.redirect_uris ?? [],
    grant_types: c.grant_types ?? ['authorization_code', 'refresh_token'],
    response_types: (c.grant_types ?? ['authorization_code']).includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method: c.auth_method || (c.secret ? 'client_secret_basic' : 'none'),
    ...(c.scopes ? { scope: c.scopes.join(' ') } : {}),
  })),
  scopes: ['openid', 'offline_access', ...(options.scopes ?? [])],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups', 'hd'] },
  conformIdTokenClaims: !options.claims_in_id_token,
  findAccount: (_, sub) => {
    const claims = options.accounts ? options.accounts[sub] : {};
    return claims && { accountId: sub, claims: () => ({ ...claims, sub }) };
  },
  pkce: { required: () => true },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: Boolean(options.rotate_refresh_tokens),
  ttl: {
    AccessToken: options.access_token_seconds || 3600 * second, RefreshToken: options.refresh_token_seconds || 14 * day,
    ClientCredentials: options.access_token_seconds || 3600 * second, AuthorizationCode: 60, IdToken: 3600, Interaction: 600,
    Session: day, Grant: 14 * day, DeviceCode: 600,
  },
  features: {
    devInteractions: { enabled: false }, deviceFlow: { enabled: true }, revocation: { enabled: true }, introspection: { enabled: true },
    clientCredentials: { enabled: true }, userinfo: { enabled: true }, rpInitiatedLogout: { enabled: false },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  jwks: { keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
  renderError: (ctx, out) => { ctx.type = 'json'; ctx.body = out; },
});
const count = (of, ctx) => {
  const kind = String(ctx.oidc?.params?.grant_type ?? 'none');
  of[kind] = (of[kind] ?? 0) + 1;
};
provider.on('grant.success', (ctx) => count(counts.issued, ctx));
provider.on('grant.error', (ctx) => count(counts.refused, ctx));
provider.on('server_error', (_, err) => console.error(err));

// interact is the person at the provider: whoever ?account= or login_hint names, else options.account, signs in and agrees to all.
async function interact(req, res, url) {
  const { params } = await provider.interactionDetails(req, res);
  if (options.ask && !url.searchParams.has('account')) {
    res.setHeader('Content-Type', 'text/html');
    return res.end(`<!doctype html><title>Sign in</title><h1>Let ${params.client_id} in?</h1><form>
      <button id="allow" name="account" value="${options.account || 'ann'}">Allow</button> <button id="deny" name="account" value="nobody">Deny</button></form>`);
  }
  const account = url.searchParams.get('account') || params.login_hint || options.account || 'ann';
  if (account === 'nobody') {
    return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'the person said no' });
  }
  const grant = new provider.Grant({ accountId: account, clientId: params.client_id });
  if (params.scope) grant.addOIDCScope(params.scope);
  const grantId = await grant.save();
  grants.push([account, grantId]);
  return provider.interactionFinished(req, res, { login: { accountId: account }, consent: { grantId } });
}

// control serves what a test asks of the provider itself.
async function control(req, res, url) {
  if (url.pathname === '/control/revoke') {
    const gone = grants.filter(([account]) => account === url.searchParams.get('account'));
    for (const [, id] of gone) await (await provider.Grant.find(id))?.destroy();
  }
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify(counts));
}

const callback = provider.callback();
server.on('request', async (req, res) => {
  const url = new URL(req.url, issuer);
  try {
    if (url.pathname.startsWith('/interaction/')) return await interact(req, res, url);
    if (url.pathname.startsWith('/control/')) return await control(req, res, url);
    if (url.pathname === '/token' && options.token_delay_ms) await new Promise((r) => setTimeout(r, options.token_delay_ms));
    return callback(req, res);
  } catch (err) {
    res.statusCode = 500;
    return res.end(String(err));
  }
});
console.log(issuer);
