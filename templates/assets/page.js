// The page script: it follows a login and shows what the server sends. Without it the page refreshes itself.
// All text comes with the page or with the updates; see Update in update.go for what an update holds.
(() => {
  'use strict'
  const $ = (selector, root = document) => root.querySelector(selector)
  const main = $('#main'), status = $('#status'), alarm = $('#alert'), lost = $('#lost'), zoom = $('#zoom')
  const { base, lost: lostText, found: foundText, fetching: fetchingText, busy: busyText } = document.body.dataset
  const touch = navigator.maxTouchPoints || 0
  const live = () => base ? $('[data-live]', main) : null
  const idle = () => live()?.dataset.live === 'idle' // follows what is done elsewhere, and awaits nothing by itself
  const screen = view => view.split('.')[0]

  // What the person is told without seeing it. A repeated text is said again because the element is emptied first. Screen readers miss
  // what follows that, or a move of the focus, too closely: some need 100 ms.
  const say = (element, text) => {
    element.textContent = ''
    setTimeout(() => { element.textContent = text }, 200)
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
    painted = Date.now()
    veil()
  }
  const copyToZoom = () => {
    const svg = $('#qr svg')
    draw($('svg', zoom), $('path', svg).getAttribute('d'), svg.getAttribute('viewBox'))
  }

  // A code that has grown too old for BankID is veiled, whatever the reason. Where contact is lost the page says so, in the frame of
  // the code or in the card. Time is the clock's here: others stand still while a computer sleeps.
  const fresh = 4000
  let painted = 0, out = false
  const veil = () => {
    const qr = live() && $('#qr'), stale = !!qr && (out || Date.now() - painted > fresh)
    for (const code of [qr, zoom]) code && code.classList.toggle('stale', stale)
    const hidden = !out && !stale, text = out ? lostText : fetchingText, words = $('span', lost)
    if (lost.hidden !== hidden) lost.hidden = hidden
    if (words.textContent !== text) words.textContent = text
    const home = hidden ? main : zoom.open ? zoom : qr || $('.card', main)
    if (lost.parentNode !== home) hidden || qr ? home.append(lost) : home.prepend(lost)
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
  // A wait that the page tells counts down, and what it is for is not to be pressed before.
  let waitEnds = 0
  const early = block => {
    for (const b of main.querySelectorAll('form[action*="/start"] button')) block ? b.setAttribute('aria-disabled', 'true') : b.removeAttribute('aria-disabled')
  }
  const countDown = () => {
    const text = $('[data-wait]', main)
    if (!text) return
    const left = Math.ceil((waitEnds - Date.now()) / 1000)
    text.textContent = left > 0 ? text.dataset.text.replace('{seconds}', left) : text.dataset.over
    if (left > 0) return
    text.removeAttribute('data-wait')
    early(false)
    say(status, text.dataset.over)
  }
  setInterval(() => {
    tick()
    countDown()
    veil()
    watch()
  }, 1000)

  // --- A new view. The login is mine, this tab's, unless it was begun elsewhere while this one stood idle.
  let mine = !idle() || !!$('form[data-submit]', main)
  const arrive = drawn => {
    const time = $('[data-seconds]', main)
    end = 0
    if (time) setTime(time.dataset.seconds)
    const wait = $('[data-wait]', main)
    if (wait) {
      waitEnds = Date.now() + wait.dataset.wait * 1000
      early(true)
    }
    painted = drawn || $('#qr path')?.getAttribute('d') ? Date.now() : 0
    veil()
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
    // In a tab that nobody looks at it waits: the person may have come back in another one. One that has only followed leaves it to that.
    if (form && mine) document.hidden ? document.addEventListener('visibilitychange', submit, { once: true }) : submit()
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
      arrive(update.qr)
    }
    if (update.qr) paint(update.qr, update.size)
    if (update.seconds !== undefined) setTime(update.seconds)
    if (!live()) hush()
  }

  // --- Following the login: events, and when they fail, asking every two seconds and then less often.
  // A round ends with hush; what still comes back from an ended round is dropped.
  let source = null, timer = 0, round = 0, streams = 0, failures = 0, heard = 0, over = false
  // For how many seconds somebody has looked at this tab: one that was there before the person came back from the app in another
  // leaves the rest to that one. And how many fingers it feels: an iPad says that it is a Mac, an Android tablet that it is Linux.
  let began = performance.now()
  const about = () => `view=${encodeURIComponent(main.dataset.view)}&looking=${Math.floor((performance.now() - began) / 1000)}&touch_points=${touch}`
  const hush = () => {
    round++
    if (source) source.close()
    source = null
    clearTimeout(timer)
  }
  const reached = () => {
    failures = 0
    if (!out) return
    out = false
    veil()
    say(status, foundText)
  }
  // One failure alone may pass; silence is none that does.
  const missed = silence => {
    failures++
    if (out || !silence && failures < 2) return
    out = true
    veil()
    say(status, lostText)
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
    if (over || !live() || document.hidden && idle()) return
    if (!window.EventSource) return ask()
    streams++
    heard = Date.now()
    source = new EventSource(`${base}/events?${about()}`)
    source.onmessage = event => {
      hear()
      show(JSON.parse(event.data))
    }
    source.addEventListener('beat', hear)
    source.onerror = () => {
      missed()
      if (failures > 1 || source.readyState === EventSource.CLOSED) ask()
    }
  }
  const hear = () => {
    heard = Date.now()
    streams = 0
    reached()
  }
  // A connection may die without a word, and nobody tells the page. Frames come each second, beats where there are none: silence is
  // a fault. A stream that is silent from the start is held back by something on the way, and asking may do.
  const watch = () => {
    if (!source || Date.now() - heard < (streams || screen(main.dataset.view) === 'qr-wait' ? 4000 : 20000)) return
    if (!streams) missed(true)
    ask()
  }
  const ask = async () => {
    hush()
    const mine = round
    let wait = 2
    try {
      const answer = await fetch(`${base}/status?${about()}`, { cache: 'no-store', signal: AbortSignal.timeout?.(4000) })
      if (mine !== round) return
      if ([403, 404, 410].includes(answer.status)) return stop()
      if (!answer.ok) {
        wait = Number(answer.headers.get('Retry-After')) || 0
        throw answer
      }
      const update = await answer.json()
      if (mine !== round) return
      const again = failures > 0 && streams < 3
      reached()
      show(update)
      if (again) return listen()
    } catch (fault) {
      if (mine !== round) return
      missed(fault.name === 'TimeoutError')
      wait = Math.max(wait, Math.min(30, 2 ** failures))
    }
    if (live()) timer = setTimeout(ask, wait * 1000)
  }

  // --- The person's part.
  main.addEventListener('pointerdown', press)
  main.addEventListener('keydown', event => { if (event.key === ' ') press() })
  for (const end of ['pointerup', 'pointercancel', 'keyup', 'blur']) window.addEventListener(end, release)
  // A form is sent once, and its button says so when that takes a while. When it leads nowhere, as the page was stopped or the way
  // is blocked, the button comes back to life: after a while, and sooner where the page has pressed it by itself.
  const sent = new Map()
  const engage = form => {
    const button = $('button', form), words = [...button.childNodes]
    button.setAttribute('aria-disabled', 'true')
    const speak = setTimeout(() => {
      button.dataset.busy = ''
      button.replaceChildren(busyText)
    }, 400)
    sent.set(form, () => {
      clearTimeout(speak)
      delete button.dataset.busy
      button.replaceChildren(...words)
      button.removeAttribute('aria-disabled')
    })
    setTimeout(revive, 'submit' in form.dataset ? 2000 : 4000, form)
  }
  const revive = form => {
    const undo = sent.get(form)
    sent.delete(form)
    if (!undo) return
    undo()
    if (!source) listen()
  }
  const reviveAll = () => [...sent.keys()].forEach(revive)
  // What leads back to this page is sent from it, and the page shows what comes of it: nothing is loaded, the history gets no entry,
  // and the app may still be opened in the name of the press. What has no such answer, as there were too many tries, is a page of its own.
  const send = async form => {
    mine = true
    try {
      const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), redirect: 'manual' })
      if (answer.type !== 'opaqueredirect') return form.submit()
      if (!live()) return location.replace(base)
      reached()
      if (source) await new Promise(done => setTimeout(done, 500)) // the stream that is open tells what comes of it, in a moment
      if (!form.isConnected) return
      main.dataset.view = '' // shown anew even if it is the same: another try has failed in the same way
      listen()
    } catch {
      revive(form)
      missed(true)
    }
  }
  const tell = (form, name, value) => {
    const field = form.elements[name] || document.createElement('input')
    form.append(Object.assign(field, { type: 'hidden', name, value }))
  }
  document.addEventListener('submit', event => {
    const form = event.target
    if (sent.has(form) || $('button', form).getAttribute('aria-disabled')) return event.preventDefault()
    const action = new URL(form.action).pathname
    if (action.endsWith('/start')) tell(form, 'touch_points', touch)
    if (action.endsWith('/done')) tell(form, 'automatic', event.submitter ? '' : 1)
    engage(form)
    if (base && /\/(start|cancel)$/.test(action)) {
      event.preventDefault()
      send(form)
    } else {
      hush()
    }
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
    reviveAll()
    if (event.persisted) location.reload()
  })
  window.addEventListener('pagehide', hush)
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return idle() && hush()
    began = performance.now()
    reviveAll()
    listen()
  })
  window.addEventListener('online', listen)
  window.addEventListener('offline', () => {
    if (over || !live()) return
    missed(true)
    ask()
  })

  arrive()
  listen()
})()
