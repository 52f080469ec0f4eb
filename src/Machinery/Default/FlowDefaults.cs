using Hanbae.Api.Flowcontrol.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of priority and fairness.</summary>
static class FlowDefaults
{
    public static FlowSchema Schema(FlowSchema o) => o.Spec.MatchingPrecedence != 0 ? o : o with { Spec = o.Spec with { MatchingPrecedence = 1000 } };

    public static PriorityLevelConfiguration Level(PriorityLevelConfiguration o) => o with
    {
        Spec = o.Spec with
        {
            Exempt = o.Spec.Exempt is { } exempt ? exempt with { NominalConcurrencyShares = exempt.NominalConcurrencyShares ?? 0, LendablePercent = exempt.LendablePercent ?? 0 } : null,
            Limited = o.Spec.Limited is { } limited ? limited with
            {
                NominalConcurrencyShares = limited.NominalConcurrencyShares ?? 30, LendablePercent = limited.LendablePercent ?? 0,
                LimitResponse = limited.LimitResponse.Queuing is { } q ? limited.LimitResponse with
                {
                    Queuing = q with { HandSize = q.HandSize == 0 ? 8 : q.HandSize, Queues = q.Queues == 0 ? 64 : q.Queues, QueueLengthLimit = q.QueueLengthLimit == 0 ? 50 : q.QueueLengthLimit },
                } : limited.LimitResponse,
            } : null,
        },
    };
}
