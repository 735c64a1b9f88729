import type { JSX } from "preact";
import { CALL } from "../../api/clients";
import { ApprovalState, type Approval } from "../../gen/powerctl/v1/approval_pb";
import { Loading } from "../../ui/Notice";
import { approvals } from "../api";
import { w, type Word } from "../i18n";
import { ask } from "../state/deeds";
import { usePaged } from "../state/paged";
import { Badge, Head, Moment, More, Nothing, type Tone } from "../ui/parts";

const STATES: Record<ApprovalState, readonly [Tone, Word]> = {
  [ApprovalState.UNSPECIFIED]: ["plain", "approval.expired"],
  [ApprovalState.PENDING]: ["warn", "approval.pending"],
  [ApprovalState.APPROVED]: ["info", "approval.approved"],
  [ApprovalState.DONE]: ["good", "approval.done"],
  [ApprovalState.FAILED]: ["bad", "approval.failed"],
  [ApprovalState.REJECTED]: ["plain", "approval.rejected"],
  [ApprovalState.EXPIRED]: ["plain", "approval.expired"],
};

interface ItemProps {
  readonly approval: Approval;
  changed(): void;
}

function approve({ approval, changed }: ItemProps): void {
  ask({
    title: w("approval.approve"),
    body: w("approval.approveBody", { who: approval.requesterDisplayName, what: approval.summary }),
    label: w("approval.approve"),
    method: "ApproveApproval",
    act: async () => {
      await approvals.approveApproval({ name: approval.name }, CALL);
      changed();
    },
  });
}

function reject({ approval, changed }: ItemProps): void {
  ask({
    title: w("approval.reject"),
    body: w("approval.rejectBody", { what: approval.summary }),
    label: w("approval.reject"),
    danger: true,
    noteLabel: w("approval.reason"),
    method: "RejectApproval",
    act: async (detail) => {
      await approvals.rejectApproval({ name: approval.name, detail }, CALL);
      changed();
    },
  });
}

function Item(props: ItemProps): JSX.Element {
  const { approval } = props;
  const [tone, key] = STATES[approval.state];
  return (
    <article class="panel" aria-label={approval.summary}>
      <div class="panel-head">
        <h2>{approval.summary}</h2>
        <Badge tone={tone}>{w(key)}</Badge>
      </div>
      <p class="small">
        {w("approval.by", { who: approval.requesterDisplayName })} · <Moment time={approval.createTime} />
        {approval.decidedBy && (
          <>
            {" · "}
            {w("approval.decided", { who: approval.decidedBy })} · <Moment time={approval.decideTime} />
          </>
        )}
        {approval.state === ApprovalState.PENDING && (
          <>
            {" · "}
            {w("approval.until")} <Moment time={approval.expireTime} />
          </>
        )}
      </p>
      {approval.detail && <p>{approval.detail}</p>}
      {approval.approvable && (
        <div class="card-buttons">
          <button class="button primary" type="button" onClick={() => approve(props)}>
            {w("approval.approve")}
          </button>
          <button class="button quiet" type="button" onClick={() => reject(props)}>
            {w("approval.reject")}
          </button>
        </div>
      )}
      {approval.state === ApprovalState.PENDING && !approval.approvable && (
        <p class="small">{w("approval.own", { who: approval.requesterDisplayName })}</p>
      )}
    </article>
  );
}

/** What waits for a second person, and what became of it. */
export function ApprovalsPage(): JSX.Element {
  const list = usePaged("approvals", async (pageToken) => {
    const answer = await approvals.listApprovals({ pageSize: 50, pageToken }, CALL);
    return { items: answer.approvals, next: answer.nextPageToken };
  });
  return (
    <>
      <Head title={w("nav.approvals")} lead={w("approvals.lead")} />
      {!list.items && !list.failure && <Loading />}
      {list.items?.length === 0 && <Nothing title={w("approvals.none")} lead={w("approvals.noneLead")} />}
      {list.items?.map((approval) => (
        <Item key={approval.name} approval={approval} changed={list.again} />
      ))}
      <More {...list} />
    </>
  );
}
