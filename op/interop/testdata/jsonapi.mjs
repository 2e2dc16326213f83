// Makes, watches and ends orders with Kitsu, a client of JSON:API. It reads {server, key} from its standard input, writes {code} once somebody is to scan it,
// and at the end what it has learnt.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Kitsu from 'kitsu'

const { server, key } = JSON.parse(readFileSync(0, 'utf8').split('\n')[0])
const api = new Kitsu({ baseURL: server + '/api/bankid/v1', headers: { 'x-api-key': key }, camelCaseTypes: false, resourceCase: 'none', pluralize: false })
// Kitsu takes the type for the path.
api.interceptors.request.use(config => ({ ...config, url: { bankIdAuth: 'auth', bankIdSign: 'sign', bankIdPayment: 'payment' }[config.url] ?? config.url }))

const learnt = {}
const made = await api.create('bankIdAuth', { endUserIp: '203.0.113.7' })
learnt.made = { status: made.status, type: made.data.type, location: made.headers.location.endsWith('/orders/' + made.data.id) }
console.log(JSON.stringify({ code: (await api.get(`orders/${made.data.id}/qr`)).data.qrData }))
for (let tries = 0; tries < 60; tries++) {
  learnt.order = (await api.get('orders/' + made.data.id)).data
  if (learnt.order.status !== 'pending') break
  await sleep(500)
}
const sign = await api.create('bankIdSign', { endUserIp: '203.0.113.7', userVisibleData: 'Jag beställer två kort.' })
learnt.ended = (await api.delete('orders', sign.data.id)).status
learnt.after = (await api.get('orders/' + sign.data.id)).data.hintCode
const paid = await api.create('bankIdPayment', {
  endUserIp: '203.0.113.7', riskFlags: ['newRecipient'],
  userVisibleTransaction: { transactionType: 'card', recipient: { name: 'Cykelboden' }, money: { amount: '4999,50', currency: 'SEK' } },
})
learnt.paid = { status: paid.status, type: (await api.get('orders/' + paid.data.id)).data.type }
await api.delete('orders', paid.data.id)
for (const [name, body] of Object.entries({ wrong: { endUserIp: 'nowhere' }, unknown: { endUserIp: '203.0.113.7', browser: 'x' } })) {
  try {
    await api.create('bankIdAuth', body)
  } catch (e) {
    learnt[name] = e.errors[0]
  }
}
console.log(JSON.stringify(learnt))
