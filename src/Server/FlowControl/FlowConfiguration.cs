using System.Collections.Immutable;
using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Bootstrap;

namespace Hanbae.Server.FlowControl;

/// <summary>What decides where a request goes, as of a moment: schemas in the order in which they are asked, and levels by name.</summary>
sealed class FlowConfiguration
{
    readonly CompiledSchema[] _schemas;
    readonly CompiledSchema _catchAll;

    FlowConfiguration(CompiledSchema[] schemas, ImmutableSortedDictionary<string, PriorityLevel> levels, Traffic traffic)
    {
        (_schemas, Levels, Traffic) = (schemas, levels, traffic);
        _catchAll = schemas.First(s => s.Name == PriorityLevel.CatchAll);
    }

    public ImmutableSortedDictionary<string, PriorityLevel> Levels { get; }
    public IReadOnlyList<CompiledSchema> Schemas => _schemas;
    public Traffic Traffic { get; }
    /// <summary>Seats of all levels together: a few more than the server's, since parts are rounded up.</summary>
    public int Seats { get; private init; }
    public double Proportion { get; private set; }

    /// <summary>The schema that a request is of; the last one when it is of none.</summary>
    public CompiledSchema Classify(Identity user, RequestInfo info, string path)
    {
        foreach (var schema in _schemas)
            if (schema.Matches(user, info, path)) return schema;
        return _catchAll;
    }

    /// <summary>From the objects that there are. Levels that were there keep their queues; those whose object is gone stay until they are idle.</summary>
    public static FlowConfiguration Of(IReadOnlyCollection<FlowSchema> schemas, IReadOnlyCollection<PriorityLevelConfiguration> levels, FlowConfiguration? before, int seats, TimeProvider time)
    {
        long now = time.GetTimestamp();
        var traffic = before?.Traffic ?? new(1.0 / time.TimestampFrequency, now);
        var all = ImmutableSortedDictionary.CreateBuilder<string, PriorityLevel>(StringComparer.Ordinal);
        // The two that the server cannot do without are there whether somebody wrote them or not.
        foreach (var level in levels.Where(PriorityLevel.IsSound).Concat(FlowObjects.Mandatory.Levels))
        {
            if (all.ContainsKey(level.Metadata.Name)) continue;
            var known = before?.Levels.GetValueOrDefault(level.Metadata.Name);
            var queues = known?.Queues ?? new QueueSet(level.Metadata.Name, QueueShape.Reject, 0, time.TimestampFrequency, now, traffic);
            known ??= new(level, queues);
            (known.Object, known.IsQuiescing) = (level, false);
            all[level.Metadata.Name] = known;
        }
        if (before is not null)
            foreach (var (name, level) in before.Levels)
                if (!all.ContainsKey(name) && !level.Queues.IsIdle)
                {
                    level.IsQuiescing = true;
                    all[name] = level;
                }
        var compiled = new List<CompiledSchema>();
        foreach (var schema in schemas.Concat(FlowObjects.Mandatory.Schemas))
            if (compiled.All(c => c.Name != schema.Metadata.Name) && all.GetValueOrDefault(schema.Spec.PriorityLevelConfiguration.Name) is { IsQuiescing: false } level)
                compiled.Add(new(schema, level));
        long shares = all.Values.Sum(l => (long)l.Shares);
        foreach (var level in all.Values) level.Apportion(seats, shares);
        var made = new FlowConfiguration([.. compiled.OrderBy(s => s.Object.Spec.MatchingPrecedence).ThenBy(s => s.Name, StringComparer.Ordinal)], all.ToImmutable(), traffic)
        {
            Seats = all.Values.Sum(l => l.Nominal),
        };
        made.Adjust(now);
        return made;
    }

    /// <summary>Lends seats that are not needed to levels that need them.</summary>
    public void Adjust(long now)
    {
        PriorityLevel[] levels = [.. Levels.Values];
        Claim[] claims = [.. levels.Select(l => l.Claim(now))];
        Traffic.Limit(levels.Sum(l => l.Shape is { Queues: > 0 and var queues, Length: var length } ? (double)queues * length : 0), Seats, now);
        var divided = Borrowing.Divide(Seats, claims);
        Proportion = divided?.Proportion ?? 0;
        for (int i = 0; i < levels.Length; i++)
        {
            if (divided is { } d) levels[i].Current = (int)Math.Round(d.Parts[i], MidpointRounding.AwayFromZero);
            levels[i].Queues.Configure(levels[i].Shape, levels[i].Current, now);
        }
    }
}
