import{i as e,n as t,r as n}from"./Control-DTeXRaWy.js";import{d as r,t as i}from"./jsxRuntime-gz3D5MlN.js";var a=Object.assign({"../../../../../docs/runbooks/alarm-broker.md":`<h1>The station and the broker do not trust each other</h1>
<p>Alarms: <code>broker_not_trusted</code>, <code>access_denied</code>.</p>
<h2>What it means</h2>
<p>Who answers for the broker does not prove its name, or the broker refuses this station or one of its topics. The station
says nothing to a broker that it does not trust.</p>
<h2>What to look at</h2>
<ul>
<li>The broker&#39;s certificate: its end, its name, the authority that issued it.</li>
<li>The broker&#39;s rules (access list) for this station&#39;s id.</li>
<li>Whether several stations say the same: then it is the broker&#39;s side.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Restore the broker&#39;s certificate or its rules.</li>
<li>One station alone: compare its certificate&#39;s name with its id; enrol it anew if they differ.</li>
<li>Unexplained: somebody may sit in between. Do not tell stations to trust another authority.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-certificate.md":`<h1>The station&#39;s certificate</h1>
<p>Alarms: <code>certificate_ends_soon</code>, <code>certificate_rolled_back</code>.</p>
<h2>What it means</h2>
<p>The station renews its certificate long before it ends. It has not: fourteen days are left, or the broker did not take
the new one and the station went back to the former.</p>
<h2>What to look at</h2>
<ul>
<li>The station&#39;s security events: each try says why it failed.</li>
<li>The clock offset: a station with a wrong clock cannot renew.</li>
<li>Certificates: is the authority&#39;s own certificate still good?</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Mend the cause; the station tries again by itself.</li>
<li>If it does not come back: make an enrolment token and enrol it on site before the certificate ends.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-clock.md":`<h1>The station&#39;s clock has jumped</h1>
<p>Alarms: <code>time_jump</code>.</p>
<h2>What it means</h2>
<p>The clock was set by more than it may drift. Readings around that moment carry a doubtful time.</p>
<h2>What to look at</h2>
<ul>
<li>The clock offset on the station&#39;s page, and whether the station reaches its time service.</li>
<li>Sessions of that time: those that need review are listed under Sessions.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Restore the way to the time service; the offset then goes back by itself.</li>
<li>Check the receipts of sessions that were open when it jumped.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-configuration-drift.md":`<h1>The configuration is not the desired one</h1>
<p>Alarms: <code>configuration_drift</code>.</p>
<h2>What it means</h2>
<p>The station reports settings that differ from what they should be.</p>
<h2>What to look at</h2>
<ul>
<li>Configuration, <em>Only what differs</em>: which values.</li>
<li>The audit log: who changed what is desired. On site: who changed the file.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>If the station is right: adopt what it reports.</li>
<li>If it is wrong: have its file corrected and the program restarted; the alarm ends with the next report.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-door.md":`<h1>A door of the station</h1>
<p>Alarms: <code>door_opened</code>, <code>door_unwatched</code>.</p>
<h2>What it means</h2>
<p>A door of the cabinet was opened, or its contact cannot be read any more.</p>
<h2>What to look at</h2>
<ul>
<li>Is there a work order for this station now?</li>
<li>What else happened at the time: lost power, a wiped station, a factory reset.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Call whoever works there. If nobody does: send somebody who looks into the cabinet.</li>
<li>A contact that is lost is treated like an open door until a technician has looked.</li>
<li>After an unexplained opening: revoke the station&#39;s certificates and enrol it anew.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-duplicate-identity.md":`<h1>Two stations with one identity</h1>
<p>Alarms: <code>duplicate_identity</code>.</p>
<h2>What it means</h2>
<p>Records of two outboxes take turns under one identity. Either a key was copied, or a station was cloned with its data.</p>
<h2>What to look at</h2>
<ul>
<li>The station&#39;s security events and the addresses in the broker&#39;s log.</li>
<li>Whether somebody restored a backup of the station onto a second computer.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Have an administrator revoke the station&#39;s certificates at once: both drop off within a minute.</li>
<li>Find the second one. A copied key is an attack until it is explained.</li>
<li>Enrol the station that is meant anew, with a fresh token, on site.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-electrical-fault.md":`<h1>An electrical fault</h1>
<p>Alarms: <code>earth</code>, <code>insulation</code>, <code>insulation_test</code>, <code>insulation_monitor</code>, <code>contactor_welded</code>, <code>over_voltage</code>,
<code>measurement</code>, <code>discharge</code>.</p>
<h2>What it means</h2>
<p>The station measured something that can hurt: a path to earth, a welded contactor, a voltage that does not belong. The
connector is off, and a fault that is latched stays so over restarts.</p>
<h2>What to look at</h2>
<ul>
<li>The alarm&#39;s own words: the measured value beside the one that is needed.</li>
<li>The black box: the seconds before the fault, frame by frame.</li>
<li>Whether it comes with one vehicle only, with rain, or always.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Keep the connector closed: nobody charges here before it is checked.</li>
<li>Send a technician with the code and the recording.</li>
<li>When the cause is gone, reset the connector from the station&#39;s page.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-emergency-stop.md":`<h1>Emergency stop</h1>
<p>Alarms: <code>emergency_stop</code>.</p>
<h2>What it means</h2>
<p>Somebody pressed the emergency stop. Power is off, and stays off until the button is released.</p>
<h2>What to look at</h2>
<ul>
<li>The station&#39;s events just before.</li>
<li>Whether a person is in danger: call the site first.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Call the site and ask why.</li>
<li>When it is safe, have the button released at the station.</li>
<li>Reset the connector from the station&#39;s page; look at it while the next vehicle starts.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-factory-reset.md":`<h1>The station was wiped at the site</h1>
<p>Alarms: <code>factory_reset</code>.</p>
<h2>What it means</h2>
<p>Keys, records and journal were wiped by somebody at the station.</p>
<h2>What to look at</h2>
<ul>
<li>Was it planned? A decommissioned station is wiped on purpose.</li>
<li>Which records had arrived before: what had not been sent is lost with the keys.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Unexpected: revoke its former certificates and send somebody.</li>
<li>To use it again, enrol it with a fresh token.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-lock.md":`<h1>The connector&#39;s lock does not answer</h1>
<p>Alarms: <code>lock</code>.</p>
<h2>What it means</h2>
<p>The lock did not reach its end, or the plug is held though nothing flows.</p>
<h2>What to look at</h2>
<ul>
<li>Is a vehicle plugged in, and does the driver wait?</li>
<li>Dirt, ice, a bent plug.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Unlock the connector from the station&#39;s page; it works when no power flows.</li>
<li>Ask the driver to press the plug in, then unlock again.</li>
<li>If it stays stuck: send a technician.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-other.md":`<h1>Something that has no page of its own</h1>
<p>Alarms: <code>other</code>.</p>
<h2>What it means</h2>
<p>The station raised a code that this version has no advice for, as a newer controller may.</p>
<h2>What to look at</h2>
<ul>
<li>The alarm&#39;s own words and its code.</li>
<li>The station&#39;s events around the time, and the black box.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Look the code up in the release notes of the station&#39;s software.</li>
<li>A repeated one needs a technician.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-power-stage.md":`<h1>Power modules</h1>
<p>Alarms: <code>power_stage</code>.</p>
<h2>What it means</h2>
<p>The power modules do not give what they are told, or have faults of their own.</p>
<h2>What to look at</h2>
<ul>
<li>The station&#39;s events: which module, and whether the other connector works.</li>
<li>Temperature: filters and fans.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Reset the connector once.</li>
<li>If it comes back: send a technician. The station charges with the modules that are left.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-station-silent.md":`<h1>The station is silent</h1>
<p>Alarms: <code>station_silent</code>.</p>
<h2>What it means</h2>
<p>No message has come from the station for more than 90 seconds. Charging goes on: the station authorises by what it knows
and keeps its records until the link is back.</p>
<h2>What to look at</h2>
<ul>
<li>Fleet: are its neighbours silent too? Then it is the mobile network or the broker (<code>FleetOffline</code>).</li>
<li>The station&#39;s page: the last signal class, the outbox and the certificate&#39;s end as they were last told.</li>
<li>The station&#39;s events before the silence: a restart, a changed certificate, a door.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Ask the site whether the station has power and its lamp is lit.</li>
<li>A weak signal: another aerial or another mobile operator. A certificate that ended: enrol it anew.</li>
<li>Silent for a day with good neighbours: send a technician with the station&#39;s id.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-update.md":`<h1>An update of the station</h1>
<p>Alarms: <code>update_rejected</code>, <code>update_rolled_back</code>, <code>update_interrupted</code>.</p>
<h2>What it means</h2>
<p>A release was refused because its signature is not good, or it was not healthy in time, or the station restarted in the
middle of the update. In every case the former release runs.</p>
<h2>What to look at</h2>
<ul>
<li>The event&#39;s detail names the release and the reason.</li>
<li>Rejected: who put the release on the server?</li>
<li>Rolled back: the station&#39;s events and log of the minutes on trial.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Rejected: treat it as an attack until the source is known; check the signing key.</li>
<li>Rolled back: mend the release before it is offered to others.</li>
<li>Interrupted: offer it again.</li>
</ol>
`,"../../../../../docs/runbooks/alarm-vehicle.md":`<h1>The vehicle</h1>
<p>Alarms: <code>vehicle_fault</code>, <code>incompatible</code>, <code>vehicle_silent</code>, <code>wake_timeout</code>, <code>permit_timeout</code>, <code>contactor_timeout</code>,
<code>request_timeout</code>, <code>request_excess</code>, <code>stop_ignored</code>.</p>
<h2>What it means</h2>
<p>The vehicle reported a fault, fell silent, did not follow the protocol in time, or cannot charge here at all.</p>
<h2>What to look at</h2>
<ul>
<li>The session&#39;s timeline: how far it came.</li>
<li>Whether another vehicle charges at the same connector.</li>
<li>The black box of a repeated one.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Ask the driver to end charging in the vehicle and to try again, then at another station.</li>
<li>If several vehicles fail here, it is the station: send a technician with the recording.</li>
</ol>
`,"../../../../../docs/runbooks/api-failing.md":`<h1>ApiFailing</h1>
<h2>What it means</h2>
<p>API calls fail by our fault at a pace that spends a month&#39;s budget (0.1 %) in two days.</p>
<h2>What to look at</h2>
<ul>
<li>Dashboard <em>Cloud</em>: which method and code?</li>
<li><code>unavailable</code> is the database; <code>internal</code> is a bug, and the log has <code>request_failed</code> with its traceback.</li>
<li>What was deployed last.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Undo the last deployment if it fits in time.</li>
<li>Restore the database, and see that <code>cloud_ingest_commit_seconds</code> falls again.</li>
</ol>
`,"../../../../../docs/runbooks/certificate-ends-soon.md":`<h1>CertificateEndsSoon</h1>
<h2>What it means</h2>
<p>The certificate with which the station signs in ends within 14 days. Renewal is automatic and long overdue then. After
its end the station cannot connect, and needs a new enrolment.</p>
<h2>What to look at</h2>
<ul>
<li><code>edge_uplink_renewals_total</code> by result, and the uplink&#39;s log: who refused, and why.</li>
<li>The station&#39;s clock, and whether it connects at all.</li>
<li>The authority in the cloud: does it issue for other stations?</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Mend what refuses; the uplink tries again by itself.</li>
<li>Less than two days left: enrol the station again with a new certificate request.</li>
</ol>
`,"../../../../../docs/runbooks/clock-off.md":`<h1>ClockOff</h1>
<h2>What it means</h2>
<p>A station&#39;s clock has been more than two seconds off for five minutes. Durations are right, they come from another clock;
but times on receipts are not, and time is not billed while the clock is not trusted.</p>
<h2>What to look at</h2>
<ul>
<li><code>edge_clock_synchronised</code>: 0 means that no time service disciplines the clock.</li>
<li>The station&#39;s events: <code>time_jump</code> says when and by how much it was set.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>See that the station reaches its time service: <code>chronyc tracking</code> at the station.</li>
<li>A jump that nobody made: treat it as security-event.</li>
<li>Compare the receipts of that time with their sessions&#39; timelines; correct them by credits.</li>
</ol>
`,"../../../../../docs/runbooks/cloud-down.md":`<h1>CloudDown</h1>
<h2>What it means</h2>
<p>The back end does not answer its scrape, or has no connection to the broker. Drivers cannot start by the app; running
sessions go on, and their records wait at the stations.</p>
<h2>What to look at</h2>
<ul>
<li><code>systemctl status powerctl-cloud</code>, its journal, and <code>/healthz</code>: which component is not well?</li>
<li>Database: reachable, disk full, connections used up?</li>
<li>Broker: does it accept ingest&#39;s certificate?</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Restore what is not well; the back end goes on where it was, and no record is taken twice.</li>
<li>Exit status 2: the configuration is wrong, and the last line says what to do.</li>
</ol>
`,"../../../../../docs/runbooks/commands-unanswered.md":`<h1>CommandsUnanswered</h1>
<h2>What it means</h2>
<p>Stations left more than two commands unanswered within 15 minutes: somebody pressed start or stop, and nothing happened.</p>
<h2>What to look at</h2>
<ul>
<li><code>cloud_commands_total</code> by event: sent, answered, expired, given up.</li>
<li>Which stations: the back end&#39;s log, and their <code>edge_uplink_connected</code>.</li>
<li><code>edge_uplink_commands_total</code> and <code>edge_commands_total</code>: did the command reach uplink and controller?</li>
</ul>
<h2>What to do</h2>
<ol>
<li>One station: restart its uplink; commands that have ended are never carried out late.</li>
<li>Many: see cloud-down.</li>
</ol>
`,"../../../../../docs/runbooks/evidence-or-records-lost.md":`<h1>EvidenceOrRecordsLost</h1>
<h2>What it means</h2>
<p>Entries of the evidence, or records of sessions, found no room on disk or in memory. What is lost cannot be recovered: a
receipt or a proof may be missing.</p>
<h2>What to look at</h2>
<ul>
<li>Free space and errors of the station&#39;s disk: <code>df</code>, <code>dmesg</code>, <code>journalctl -u powerctl-edge-control</code>.</li>
<li><code>edge_outbox_records</code> by lane, and how long the cloud has not taken any.</li>
<li><code>edge_records_dropped_total</code> by lane: billing and status count, telemetry is not here.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Make room, or replace the disk; the programs go on by themselves.</li>
<li>Compare the meter&#39;s register with the receipts of the sessions of that time, and correct by hand what is missing.</li>
</ol>
`,"../../../../../docs/runbooks/fleet-offline.md":`<h1>FleetOffline</h1>
<h2>What it means</h2>
<p>More than a fifth of the stations are not connected. One station has its own reason; so many share one.</p>
<h2>What to look at</h2>
<ul>
<li><code>cloud_ingest_connected</code> and the broker: up, disk, the end of its certificate, connections refused.</li>
<li>Do the missing ones share a mobile network or a region? Then ask that operator.</li>
<li>What was deployed last.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Ours: restore the broker, or undo the deployment. Stations come back spread over two minutes.</li>
<li>The network&#39;s: inform drivers; charging goes on, receipts follow later.</li>
</ol>
`,"../../../../../docs/runbooks/grid-limit-missed.md":`<h1>GridLimitMissed</h1>
<h2>What it means</h2>
<p>Measured power was above a limit of the grid when the time to comply had passed. A limit of the distribution system
operator is a legal duty (in Germany § 14a EnWG), and the evidence says so too.</p>
<h2>What to look at</h2>
<ul>
<li>Dashboard <em>Grid compliance</em>: cap, measured power and time to comply around that moment.</li>
<li><code>powerctl evidence export</code> of the station: which command, which limit, and how long power was above it.</li>
<li>Whether the controller was connected (<code>edge_manager_connected</code>), and whether power modules follow their limit.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Is power above the cap now: write a cap of 0 W. If it does not follow, have it disconnected on site.</li>
<li>A single miss of a moment: keep the evidence, and compare the meter with the vehicle&#39;s current.</li>
<li>More than one: take the station out of service until the cause is known, and tell the grid operator.</li>
</ol>
`,"../../../../../docs/runbooks/grid-source-in-failsafe.md":`<h1>GridSourceInFailsafe</h1>
<h2>What it means</h2>
<p>A grid source has been silent for longer than its heartbeat allows. The station holds the commissioned failsafe value of
this source: it is safe, and charges slowly or not at all.</p>
<h2>What to look at</h2>
<ul>
<li><code>powerctl_modbus_connections</code> and <code>powerctl_modbus_closed_total</code> by reason: does the client connect and get thrown
out?</li>
<li>The log of the manager: <code>grid_source_state_changed</code>, and refused certificates.</li>
<li>The path to the client: control box, cable, firewall, the end of its certificate.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Mend the path; the first heartbeat ends the failsafe by itself.</li>
<li>Tell the grid operator when their client is the one that is silent.</li>
<li>Do not raise the failsafe value to get rid of the alert: it is part of the commissioning.</li>
</ol>
`,"../../../../../docs/runbooks/manager-unreachable.md":`<h1>ManagerUnreachable</h1>
<h2>What it means</h2>
<p>The charging controller has had no stream to the energy manager for a minute. Its leases have run out, and every vehicle
gets its connector&#39;s fallback power, which keeps the station under its limits.</p>
<h2>What to look at</h2>
<ul>
<li>Does the manager answer (<code>up{job=&quot;manager&quot;}</code>)? Then it is the stream between them: certificates, address, clock.</li>
<li>The controller&#39;s log: <code>manager_lost</code> with its reason, and <code>manager_message_rejected</code>.</li>
<li>The manager&#39;s log and <code>/healthz</code>.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Start the manager; power rises again by itself.</li>
<li>A certificate that has ended: issue it anew, and start both programs.</li>
</ol>
`,"../../../../../docs/runbooks/records-late.md":`<h1>RecordsLate</h1>
<h2>What it means</h2>
<p>A record for the cloud has waited for more than 15 minutes. Nothing is lost; receipts and the driver&#39;s page are late.</p>
<h2>What to look at</h2>
<ul>
<li><code>edge_uplink_connected</code> and <code>edge_uplink_connections_total</code> by result: no connection, or refused?</li>
<li>Signal of the modem, the SIM&#39;s data volume, the firewall.</li>
<li>Are several stations late? Then see fleet-offline or cloud-down.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Restore the connection; records leave by themselves, billing first.</li>
<li>Refused: see certificate-ends-soon.</li>
<li>Watch the disk if it lasts for days: a full outbox refuses new sessions.</li>
</ol>
`,"../../../../../docs/runbooks/security-event.md":`<h1>SecurityEvent</h1>
<h2>What it means</h2>
<p>The back end saw something that may be an attack: a token used twice, an identity that connects from two places, or a
certificate that does not count.</p>
<h2>What to look at</h2>
<ul>
<li>The kind in the alert, and the audit log of that time: person or station, address, what else they did.</li>
<li><code>refresh_token_reused</code>: that person&#39;s sessions have been ended already.</li>
<li><code>duplicate_identity</code>: a copied key, or a station that was replaced and not revoked.</li>
<li><code>station</code>: a station saw it; its audit entries say what: <code>door_opened</code>, <code>time_jump</code>, <code>broker_not_trusted</code>,
<code>access_denied</code>, <code>update_rejected</code>, <code>certificate_rolled_back</code>, <code>factory_reset</code>,
<code>start_not_permitted</code>. The alarm of the same name says what to do.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>A station&#39;s key may be copied: revoke its certificate, enrol it anew, and inspect the enclosure.</li>
<li>A person: have them set a new password, and look at what was done in their name.</li>
<li>A certificate that has merely ended: see certificate-ends-soon.</li>
</ol>
`,"../../../../../docs/runbooks/sessions-to-review.md":`<h1>SessionsToReview</h1>
<h2>What it means</h2>
<p>A session ended with readings of which no difference can be billed: the register jumped or ran backwards, another meter
answered, or a reading is missing. Nothing was charged for it, and nothing will be by itself.</p>
<h2>What to look at</h2>
<ul>
<li><strong>Sessions</strong>, <em>Needs review</em>, in the control room; the session&#39;s timeline shows both readings and what came between.</li>
<li>Whether it is always the same station: then its meter or its wiring is the cause.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Several at one station: take it out of service and have the meter looked at.</li>
<li>The driver&#39;s hold is released; write to them if they ask.</li>
<li>An insider or a station that reports too much looks the same: compare with the grid meter of the site.</li>
</ol>
`,"../../../../../docs/runbooks/station-flapping.md":`<h1>StationFlapping</h1>
<h2>What it means</h2>
<p>One station has connected more than ten times within a quarter of an hour. Either its link is bad, or two programs use one
certificate and take the connection from each other.</p>
<h2>What to look at</h2>
<ul>
<li>The alarm <code>duplicate_identity</code> of the same station: then a key was copied.</li>
<li>The station&#39;s signal (<code>edge_modem_rssi_dbm</code>, on its page in the control room) over the same time.</li>
<li><code>edge_uplink_connections_total</code> by result: <code>refused</code> or <code>untrusted</code> in between says why.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>With <code>duplicate_identity</code>: follow security-event; revoke the certificates and enrol the station anew.</li>
<li>With a weak signal: another antenna or operator (Connect a modem). Nothing is lost: billing
records wait on the disk for thirty days.</li>
</ol>
`,"../../../../../docs/runbooks/station-program-down.md":`<h1>StationProgramDown</h1>
<h2>What it means</h2>
<p>A program of a station has not answered its scrape for two minutes: it is down, or the path to it is. The other programs
go on: without manager the fallback power holds, without uplink records wait, without controller nobody charges.</p>
<h2>What to look at</h2>
<ul>
<li>Which job: <code>manager</code>, <code>edge</code> or <code>uplink</code>. All three together mean the machine or the path.</li>
<li><code>systemctl status powerctl powerctl-edge-control powerctl-edge-uplink</code>, and their journals.</li>
<li>Exit status 2 means a wrong configuration; the last line says where, why and what to do.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>Wrong configuration: correct it, and start the unit; it is not tried again by itself.</li>
<li>A crash: systemd has started it again already. Keep the journal, and report the traceback.</li>
<li>The machine is gone: power and modem on site.</li>
</ol>
`,"../../../../../docs/runbooks/transactions-end-in-faults.md":`<h1>TransactionsEndInFaults</h1>
<h2>What it means</h2>
<p>More than a fifth of the last hour&#39;s transactions, at least three of them, ended in a fault or a restart. Drivers stand
there without energy.</p>
<h2>What to look at</h2>
<ul>
<li>Dashboard <em>Station</em>: transactions by reason, late frames, errors of meter and insulation monitor, usable modules.</li>
<li>The controller&#39;s log at <code>transaction_ended</code>: the fault and its connector.</li>
<li>Only one kind of vehicle, or all? The recording of the CAN bus tells.</li>
</ul>
<h2>What to do</h2>
<ol>
<li>One connector: take it out of service, keep the other one.</li>
<li>Insulation: nobody uses this connector until cable and inlet are inspected.</li>
<li>A vehicle&#39;s own fault on every attempt: keep the recording, and tell its maker.</li>
</ol>
`});function o({id:o}){let s=a[`../../../../../docs/runbooks/${o}.md`];return i(r,{children:[i(`p`,{class:`crumbs`,children:[i(`a`,{href:n.section(`alarms`),children:e(`runbook.back`)}),` / `,o]}),s?i(`article`,{class:`panel runbook`,lang:`en`,dangerouslySetInnerHTML:{__html:s}}):i(t,{title:e(`runbook.none`)})]})}export{o as default};