using Hanbae.Api.Flowcontrol.V1;

namespace Hanbae.Server.FlowControl;

/// <summary>A PriorityLevelConfiguration at work: its queues, and how many seats it has by right, at least, at most and now.</summary>
sealed class PriorityLevel
{
    public const string Exempt = "exempt", CatchAll = "catch-all";
    /// <summary>Upstream's: a request takes no more than this part of its level, and no more than so many seats at all.</summary>
    const double MostOfLevel = 0.15;

    public PriorityLevel(PriorityLevelConfiguration spec, QueueSet queues) => (Object, Queues) = (spec, queues);

    public PriorityLevelConfiguration Object { get; set; }
    public QueueSet Queues { get; }
    public string Name => Object.Metadata.Name;
    public bool IsExempt => Object.Spec.Type == "Exempt";
    /// <summary>Its object is gone, but not its requests.</summary>
    public bool IsQuiescing { get; set; }
    public int Nominal { get; private set; }
    public int Least { get; private set; }
    public int Most { get; private set; }
    public int Current { get; set; }
    public Demand Demand { get; private set; }
    public double Smoothed { get; private set; }
    public double Target { get; set; }
    /// <summary>The most that one request is taken to cost.</summary>
    public int MaxSeats { get; private set; } = 1;

    public int Shares => Object.Spec.Exempt?.NominalConcurrencyShares ?? Object.Spec.Limited?.NominalConcurrencyShares ?? 0;

    public QueueShape Shape => Object.Spec switch
    {
        { Type: "Exempt" } => QueueShape.Exempt,
        { Limited.LimitResponse.Queuing: { } q } => new(q.Queues, q.HandSize, q.QueueLengthLimit),
        _ => QueueShape.Reject,
    };

    /// <summary>Whether a configuration can be worked with; those that validation let through but that contradict themselves are as if they were not there.</summary>
    public static bool IsSound(PriorityLevelConfiguration o) => (o.Spec.Type == "Limited") == (o.Spec.Limited is not null)
        && (o.Spec.Type == "Exempt") == (o.Metadata.Name == Exempt)
        && (o.Spec.Limited is not { } limited || (limited.LimitResponse.Type == "Reject") == (limited.LimitResponse.Queuing is null));

    /// <summary>Its part of the server by its shares.</summary>
    public void Apportion(int seats, long shares)
    {
        bool fresh = Nominal == 0 && Most == 0;
        int nominal = shares == 0 ? 0 : (int)Math.Ceiling(seats * (double)Shares / shares);
        int? lendable = Object.Spec.Exempt?.LendablePercent ?? Object.Spec.Limited?.LendablePercent, borrows = Object.Spec.Limited?.BorrowingLimitPercent;
        int lent = (int)Math.Round(nominal * (lendable ?? 0) / 100.0, MidpointRounding.AwayFromZero);
        Nominal = Queues.Nominal = nominal;
        Least = nominal - lent;
        Most = nominal + (borrows is { } percent ? (int)Math.Round(nominal * (double)percent / 100, MidpointRounding.AwayFromZero) : seats);
        if (fresh) Current = nominal - lent / 2;
        MaxSeats = Shape is { Queues: > 0, HandSize: > 0 and int hand } ? (int)Math.Max(1, Math.Min(Math.Ceiling(nominal * MostOfLevel), nominal / hand)) : int.MaxValue;
    }

    /// <summary>What it wants of the next division of seats.</summary>
    public Claim Claim(long now)
    {
        Demand = Queues.TakeDemand(now);
        // Up at once, down slowly: upstream halves the distance in about five minutes.
        double envelope = Demand.Average + Demand.Deviation;
        Smoothed = Math.Max(envelope, 0.977 * Smoothed + 0.023 * envelope);
        double least = Math.Max(Least, Math.Min(Nominal, Demand.HighWatermark));
        Target = Math.Max(least, Smoothed);
        return new(Target, least, Most);
    }
}
