// The page script: it follows a login and shows what the server sends. Without it the page refreshes itself.
// All text comes with the page or with the updates; see Update in update.go for what an update holds.
(() => {
  'use strict'
  const $ = (selector, root = document) => root.querySelector(selector)
  const main = $('#main'), status = $('#status'), alarm = $('#alert'), lost = $('#lost'), zoom = $('#zoom')
  const { base, lost: lostText, found: foundText } = document.body.dataset
  const touch = navigator.maxTouchPoints || 0
  const live = () => base && $('[data-live]', main)
  const screen = view => view.split('.')[0]

  // What the person is told without seeing it. A repeated text is said again because the element is emptied first.
  const say = (element, text) => {
    element.textContent = ''
    setTimeout(() => { element.textContent = text }, 50)
  }

  // --- QR code: the same rule as QRPath in qr.go.
  const path = (base64, size) => {
    const bytes = atob(base64)
    const dark = i => bytes.charCodeAt(i >> 3) >> (7 - (i & 7)) & 1
    let d = ''
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        let run = 0
        while (x + run < size && dark(y * size + x + run)) run++
        if (run) d += `M${x + 4} ${y + 4}h${run}v1h-${run}z`
        x += run
      }
    }
    return d
  }
  const draw = (svg, d, box) => {
    if (svg.getAttribute('viewBox') !== box) svg.setAttribute('viewBox', box)
    $('path', svg).setAttribute('d', d)
  }
  const paint = (qr, size) => {
    const svg = $('#qr svg')
    if (!svg) return
    draw(svg, path(qr, size), `0 0 ${size + 8} ${size + 8}`)
    if (zoom.open) copyToZoom()
  }
  const copyToZoom = () => {
    const svg = $('#qr svg')
    draw($('svg', zoom), $('path', svg).getAttribute('d'), svg.getAttribute('viewBox'))
  }

  // Tells those who cannot see it whether the whole code is on the screen.
  let seen = null
  const watchCode = () => {
    if (seen) seen.disconnect()
    seen = null
    const qr = $('#qr'), hint = $('[data-partly]', main)
    if (!qr || !hint || !window.IntersectionObserver) return
    seen = new IntersectionObserver(entries => {
      const whole = entries[entries.length - 1].intersectionRatio >= .85
      if (whole !== hint.hidden) {
        hint.hidden = whole
        say(status, whole ? hint.dataset.partly : hint.textContent)
      }
    }, { threshold: .85 })
    seen.observe(qr)
  }

  // --- Time left: the server says it, the page counts on in between.
  let end = 0
  const tick = () => {
    const text = $('[data-seconds]', main)
    if (!text || !end) return
    const left = Math.max(0, Math.round((end - performance.now()) / 1000))
    const words = left < 60 ? text.dataset.short : text.dataset.left
    text.textContent = words.replace('{m}', Math.floor(left / 60)).replace('{s}', left % 60)
    const bar = $('progress', main)
    if (bar) bar.value = left
    if (left < 60 && left > 0 && !tick.warned) {
      tick.warned = true
      say(status, text.dataset.warn)
    }
  }
  const setTime = seconds => {
    end = performance.now() + seconds * 1000
    if (seconds >= 60) tick.warned = false
    tick()
  }
  setInterval(tick, 1000)

  // --- A new view.
  const arrive = () => {
    // An iPad says that it is a Mac, but not how many fingers it feels: ask again what to offer first.
    if (base && main.dataset.view === 'choose' && touch > 1 && /Mac/.test(navigator.platform)) {
      fetch(`${base}/status?touch_points=${touch}`).then(answer => answer.json()).then(show, () => {})
    }
    const time = $('[data-seconds]', main)
    end = 0
    if (time) setTime(time.dataset.seconds)
    watchCode()
    const go = $('a[data-autolaunch]', main)
    if (go?.dataset.autolaunch) { // a preview has an empty one
      const mark = `launched ${base}`
      if (sessionStorage.getItem(mark) !== go.dataset.autolaunch) {
        sessionStorage.setItem(mark, go.dataset.autolaunch)
        go.click() // and not location: iOS follows app links of anchors, and the link has a referrer policy of its own
      }
    }
    const form = $('form[data-submit]', main)
    const submit = () => form.requestSubmit ? form.requestSubmit() : form.submit()
    // In a tab that nobody looks at it waits: the person may have come back in another one.
    if (form) document.hidden ? document.addEventListener('visibilitychange', submit, { once: true }) : submit()
  }
  // While the person presses something its view stays: what is let go of would no longer be what was pressed, and the click be
  // lost. A touch tells of the click a moment after it has ended. Whoever presses longer than a click does not mean one.
  let pressed = 0, held = null
  const press = () => {
    clearTimeout(pressed)
    pressed = setTimeout(letGo, 1000)
  }
  const letGo = () => {
    clearTimeout(pressed)
    pressed = 0
    const update = held
    held = null
    if (update) show(update)
  }
  const release = () => {
    if (!pressed) return
    clearTimeout(pressed)
    pressed = setTimeout(letGo, 50)
  }
  const show = update => {
    if (held || pressed && update.html && update.view !== main.dataset.view) {
      held = { ...held, ...update }
      return
    }
    const old = main.dataset.view
    if (update.view !== old && update.html) {
      const same = screen(update.view) === screen(old)
      const held = main.contains(document.activeElement) && document.activeElement.id
      main.dataset.view = update.view
      if (zoom.open) zoom.close()
      main.innerHTML = update.html
      document.title = update.title
      if (same) {
        const again = held && document.getElementById(held)
        if (again) again.focus()
      } else {
        main.classList.add('new')
        ;($('[data-focus]', main) || $('h1', main)).focus()
        window.scrollTo(0, 0)
        const text = [...main.querySelectorAll('[data-say]')].map(e => e.dataset.say || e.textContent).join(' ')
        if ($('[data-alert]', main)) say(alarm, `${$('h1', main).textContent}. ${text}`.replace(/\u00AD/g, ''))
        else say(status, text)
      }
      arrive()
    }
    if (update.qr) paint(update.qr, update.size)
    if (update.seconds !== undefined) setTime(update.seconds)
    if (!live()) hush()
  }

  // --- Following the login: events, and when they fail, asking every two seconds and then less often.
  // A round ends with hush; what still comes back from an ended round is dropped.
  let source = null, timer = 0, round = 0, streams = 0, failures = 0, over = false
  // For how many seconds somebody has looked at this tab: one that was there before the person came back from the app in another
  // leaves the rest to that one.
  let began = performance.now()
  const looking = () => `looking=${Math.floor((performance.now() - began) / 1000)}`
  const hush = () => {
    round++
    if (source) source.close()
    source = null
    clearTimeout(timer)
  }
  const reached = () => {
    failures = 0
    if (!lost.hidden) {
      lost.hidden = true
      say(status, foundText)
    }
  }
  const missed = () => {
    failures++
    if (failures > 1 && lost.hidden) {
      lost.hidden = false
      $('span', lost).textContent = lostText
      say(status, lostText)
    }
  }
  // The login is gone or not ours: the page itself says which. Once only, so that nothing can make it turn in circles.
  const stop = () => {
    hush()
    over = true
    if (history.state === 'stopped') return
    history.replaceState('stopped', '')
    location.reload()
  }
  const listen = () => {
    hush()
    if (over || !live()) return
    if (!window.EventSource) return ask()
    streams++
    source = new EventSource(`${base}/events?view=${encodeURIComponent(main.dataset.view)}&${looking()}`)
    source.onmessage = event => {
      clearTimeout(timer)
      streams = 0
      reached()
      show(JSON.parse(event.data))
    }
    source.onerror = () => {
      missed()
      if (failures > 1 || source.readyState === EventSource.CLOSED) ask()
    }
    timer = setTimeout(ask, 5000) // a stream that is silent from the start is held back by something on the way
  }
  const ask = async () => {
    hush()
    const mine = round
    let wait = 2
    try {
      const answer = await fetch(`${base}/status?${looking()}`, { cache: 'no-store' })
      if (mine !== round) return
      if ([403, 404, 410].includes(answer.status)) return stop()
      if (!answer.ok) {
        wait = Number(answer.headers.get('Retry-After')) || 0
        throw answer.status
      }
      const update = await answer.json()
      if (mine !== round) return
      const again = failures > 1 && streams < 3
      reached()
      show(update)
      if (again) return listen()
    } catch {
      if (mine !== round) return
      missed()
      wait = Math.max(wait, Math.min(30, 2 ** failures))
    }
    if (live()) timer = setTimeout(ask, wait * 1000)
  }

  // --- The person's part.
  main.addEventListener('pointerdown', press)
  main.addEventListener('keydown', event => { if (event.key === ' ') press() })
  for (const end of ['pointerup', 'pointercancel', 'keyup', 'blur']) window.addEventListener(end, release)
  // A form is sent once. When that leads nowhere, as the page was stopped or the way is blocked, its button comes back to life:
  // after a while, and sooner where the page has pressed it by itself.
  const sent = new Set()
  const revive = form => {
    sent.delete(form)
    for (const b of form.querySelectorAll('button')) b.removeAttribute('aria-disabled')
  }
  document.addEventListener('submit', event => {
    const form = event.target
    if (sent.has(form)) return event.preventDefault()
    sent.add(form)
    if (form.action.endsWith('/start') && !form.elements.touch_points) {
      const points = document.createElement('input')
      Object.assign(points, { type: 'hidden', name: 'touch_points', value: touch })
      form.append(points)
    }
    for (const b of form.querySelectorAll('button')) b.setAttribute('aria-disabled', 'true')
    setTimeout(revive, 'submit' in form.dataset ? 2000 : 4000, form)
  })
  document.addEventListener('click', event => {
    const at = selector => event.target.closest(selector)
    if (at('[data-enlarge], #qr') && zoom.showModal) {
      $('[data-enlarge]', main).focus()
      copyToZoom()
      zoom.showModal()
    } else if (at('#zoom')) {
      zoom.close()
    }
  })
  // Back from the BankID app, from another tab or by the back button: look at once how things stand.
  window.addEventListener('pageshow', event => {
    sent.forEach(revive)
    if (event.persisted) location.reload()
  })
  window.addEventListener('pagehide', hush)
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return
    began = performance.now()
    listen()
  })
  window.addEventListener('online', listen)

  arrive()
  listen()
})()
