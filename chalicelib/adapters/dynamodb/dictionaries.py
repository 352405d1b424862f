"""Hold the words that stored items have in common, so that they need not be stored a million times.

A dictionary is never changed: what was stored with it could not be read any more. Where items have come to look
different, add another under the next number; the highest writes, all read.
"""

# What is likeliest stands last, nearest to what is compressed.
_FIRST = (
    '"suppressed":"bounce","complaint","imported","suppressed_at":"soft_bounces":1,"do_not_call":true,"erased_at":'
    '"opted_out_at":"opted_out_how":"link","cancelled":["fulfilments":[{"ref":{"source":"/","id":"event":{"source":"'
    '"role":"department","role":"leadership","role":"admin","role":"agent","person":"'
    '"quantity","promised":10.0,"fulfilled":8.0,"better":"higher"}],"better":"lower"}],'
    '"mended":"asked","mended":"yes","mended":"no","mended_said":"yes","mended_confirm_at":"2026-'
    '"root_cause":"","action":"","resolved_at":"2026-","resolve_used":0.0,"resolve_breached":true,'
    '"acknowledge_breached":true,"fired":[{"name":"acknowledge:warning","name":"acknowledge:head",'
    '"name":"acknowledge:leadership","name":"resolve:warning","name":"resolve:head","name":"resolve:leadership",'
    '"kind":"handed_over","kind":"returned","kind":"reopened","kind":"corrected","kind":"escalation",'
    '"kind":"overdue_on_arrival","ask_mended":true,"lease_until":"2026-","returns":1,"reopenings":1,"handoffs":1,'
    '"supporting":["previous_leads":["spent":{"acknowledged_at":"2026-","first_acknowledged_at":"2026-'
    '"state":"acknowledged","state":"waiting","state":"resolved",'
    '"by":"customer","move":"opened","move":"acknowledge","move":"return","move":"reassign","move":"comment",'
    '"move":"contact","move":"wait","move":"resume","move":"resolve","move":"reopen","move":"corrected",'
    '"from_state":null,"from_state":"open","to_state":"open","to_state":"acknowledged","to_state":"waiting",'
    '"to_state":"resolved","text":"'
    '"why":{"rule":"driver","text":"the customer chose: "rule":"words","text":""rule":"promise","text":"'
    '"rule":"event","rule":"arbiter","text":"nothing else names a department"},"drivers":["origin_department":"sales",'
    '"opened_at":"2026-","lead_since":"2026-","running_since":"2026-","acknowledge_from":"2026-'
    '"acknowledge_budget":14400.0,"acknowledge_by":"2026-","resolve_from":"2026-","resolve_budget":86400.0,'
    '"resolve_by":"2026-","ladder":[{"promise":"acknowledge","rung":"warning","at":"2026-'
    '{"promise":"resolve","rung":"head","at":"2026-{"promise":"acknowledge","rung":"leadership","at":"2026-'
    '"notices":[{"kind":"opened","department":"logistics","at":"2026-'
    '"held_until":"2026-","faults":1,"generation":1,"programs":["trial":true,"primary":false,"erased":true,'
    '"bounced":true,"trapped":true,"unconfirmed":true,"viewed":[0,1,2,3,4,5,6,7,8,9,10],"retries":1,'
    '"state":"skipped","reason":"no_program","reason":"rule","reason":"not_sampled","reason":"capped",'
    '"reason":"same_episode","reason":"opted_out","reason":"suppressed","reason":"no_address","reason":"too_old",'
    '"reason":"cancelled","reason":"paused","rule":"no program asks about ","rule":"sales.sample = 0.",'
    '"rule":"sales.when","rule":".channels","reason":"resting","rule":"the customer rests until 2026-'
    '"name":"","email":"@gmail.com","phone":"+57","language":"es","zone":"America/Bogota",'
    '"rest_from":"2026-","rest_until":"2026-","rest_by":"","recent":["'
    '"state":"failed","state":"attempted","reminder":"attempted","reminder":"sent","reminded_at":"2026-'
    '"provisional":{"rating":"how":"automatic"},"confirm_at":"2026-"how":"unvouched"},"how":"phone"},'
    '"source":"/crm","event_id":"ORD-","touchpoint":"ticket.closed","touchpoint":"sale.closed",'
    '"occurred_at":"2026-","decided_at":"2026-","program":"service","program":"sales","label":"user",'
    '"label":"customer","customer":"","address":"","domain":"hotmail.com","domain":"gmail.com","channel":"sms",'
    '"channel":"email","language":"en","language":"es","zone":"America/Bogota","survey":"sales",'
    '"survey_version":"","metric":"csat","metric":"ces","metric":"nps","reference":"ORD-","department":"service",'
    '"department":"sales","people":[{"id":"u-","name":"","department":"sales","role":"seller"}],'
    '"promises":[{"kind":"delivery","department":"logistics","promised":"2026-00:00:00Z","fulfilled":"2026-'
    '"attributes":{"region":"","product":"","store":""},"departments":["sales","logistics"],'
    '"state":"scheduled","send_at":"2026-","state":"sent","sent_at":"2026-","closes_at":"2026-","remind_at":"2026-'
    '"carrier_id":"0100-000000","confirmed":{"rating":"ratings":{"choices":{"drivers":["texts":{"comment":"'
    '"at":"2026-","how":"button"},"first_confirmed_at":"2026-","has_case":true}'
)

DICTIONARIES: dict[int, bytes] = {1: _FIRST.encode()}
NEWEST = max(DICTIONARIES)
