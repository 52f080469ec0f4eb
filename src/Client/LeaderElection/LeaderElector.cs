using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Rest;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Client;

/// <summary>Lets one of several instances work: the one that holds the Lease.</summary>
/// <remarks>
/// As client-go. Clocks of different machines are never compared: another's Lease has run out when it did not change for its duration
/// as seen from here. A leader that cannot renew in time stops before another can begin.
/// </remarks>
/// <param name="lease">Where the Lease is, such as <c>kube-system/kube-scheduler</c>.</param>
/// <param name="identity">Unlike that of every other instance: host name and something random.</param>
public sealed partial class LeaderElector(IClient client, Key lease, string identity, TimeProvider time, LeaderElectionOptions? options = null, ILogger? logger = null)
{
    readonly LeaderElectionOptions _options = (options ?? LeaderElectionOptions.Default).Checked();
    readonly ILogger _logger = logger ?? NullLogger.Instance;
    LeaseSpec? _observed;
    Lease? _written;
    long _observedAt;
    /// <summary>The Lease that was observed is not there any more.</summary>
    bool _gone;
    /// <summary>When the request was sent that last took or renewed the Lease: others may count from its arrival, which was later.</summary>
    long _heldSince;

    /// <summary>This instance holds the Lease, and may work.</summary>
    public bool IsLeader { get; private set; }
    /// <summary>The holder as last seen; empty when there is none.</summary>
    public string Leader => _observed?.HolderIdentity ?? "";

    /// <summary>Whether the Lease is still worked under though it has run out for longer than <paramref name="tolerated"/>: then something hangs; client-go's watchdog.</summary>
    /// <returns>What is wrong; null while nothing is.</returns>
    public string? Overdue(TimeSpan tolerated) =>
        IsLeader && time.GetElapsedTime(_heldSince) > _options.LeaseDuration + tolerated ? $"failed election to renew leadership on lease {lease.Name}" : null;

    /// <summary>Waits to be leader, leads, and returns when leading has ended: by itself, by loss of the Lease, or by cancellation.</summary>
    /// <param name="lead">Is cancelled when the Lease is lost.</param>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken ct)
    {
        // An answer that took too long to come may be of a Lease that has run out since.
        while (!await TryAsync(ct) || time.GetElapsedTime(_heldSince) >= _options.RenewDeadline) await Task.Delay(_options.RetryPeriod * (1 + 1.2 * Random.Shared.NextDouble()), time, ct);
        Log.Leading(_logger, identity, lease.ToString());
        IsLeader = true;
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(ct);
        try
        {
            var work = Task.Run(() => lead(leading.Token), CancellationToken.None);
            await Task.WhenAny(work, RenewAsync(leading.Token));
            await leading.CancelAsync();
            await work;
        }
        finally
        {
            IsLeader = false;
            if (_options.ReleaseOnEnd) await ReleaseAsync();
        }
    }

    /// <summary>Returns when the Lease could not be renewed before the deadline, or is another's.</summary>
    async Task RenewAsync(CancellationToken ct)
    {
        for (var pause = TimeSpan.Zero; !ct.IsCancellationRequested; pause = _options.RetryPeriod)
        {
            // It runs while there is nothing to do, too: what was renewed late has less time left.
            using var deadline = new CancellationTokenSource(Positive(_options.RenewDeadline - time.GetElapsedTime(_heldSince)), time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
            try
            {
                await Task.Delay(pause, time, either.Token);
                while (!await TryAsync(either.Token))
                {
                    if (Leader.Length > 0 && Leader != identity) { Log.Stolen(_logger, identity, lease.ToString(), Leader); return; }
                    await Task.Delay(_options.RetryPeriod, time, either.Token);
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { return; }
            catch (OperationCanceledException)
            {
                Log.Lost(_logger, identity, lease.ToString());
                return;
            }
        }
    }

    static TimeSpan Positive(TimeSpan span) => span > TimeSpan.Zero ? span : TimeSpan.Zero;

    /// <summary>Takes or renews the Lease.</summary>
    /// <returns>Whether it is ours now.</returns>
    async Task<bool> TryAsync(CancellationToken ct)
    {
        try
        {
            var now = time.GetUtcNow();
            long sent = time.GetTimestamp();
            // A leader knows what it wrote last: one request, unless somebody else wrote.
            var current = IsLeader ? _written : null;
            _written = null;
            current ??= await client.FindAsync<Lease>(lease, ct);
            if (current is null)
            {
                // Taken away from under its holder, who may not know yet: he has as long as when he had just renewed it.
                if (!IsLeader && _observed is { HolderIdentity.Length: > 0 } known)
                {
                    if (!_gone) (_gone, _observedAt) = (true, time.GetTimestamp());
                    if (time.GetElapsedTime(_observedAt) < Duration(known)) return false;
                }
                var made = await client.CreateAsync(new Lease
                {
                    Metadata = new() { Namespace = lease.Namespace, Name = lease.Name }, Spec = Mine(now, now, 0),
                }, ct);
                Observe((_written = made).Spec);
                _heldSince = sent;
                return true;
            }
            Observe(current.Spec);
            string holder = current.Spec.HolderIdentity ?? "";
            bool mine = holder == identity;
            if (holder.Length > 0 && !mine && time.GetElapsedTime(_observedAt) < Duration(current.Spec)) return false;
            int transitions = current.Spec.LeaseTransitions ?? 0;
            var spec = mine ? Mine(current.Spec.AcquireTime ?? now, now, transitions) : Mine(now, now, transitions + 1);
            _written = await client.UpdateAsync(current with { Spec = spec }, ct);
            Observe(_written.Spec);
            _heldSince = sent;
            return true;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { throw; }
        catch (Exception e)
        {
            // Another took it meanwhile, or the server is away: the next try tells. What was gone may have been back since.
            _gone = false;
            if (e is ApiException { IsConflict: true } or ApiException { IsAlreadyExists: true }) _observedAt = time.GetTimestamp();
            else Log.Failed(_logger, e, lease.ToString());
            return false;
        }
    }

    TimeSpan Duration(LeaseSpec spec) => spec.LeaseDurationSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : _options.LeaseDuration;

    LeaseSpec Mine(DateTimeOffset acquired, DateTimeOffset renewed, int transitions) => (_observed ?? LeaseSpec.Empty) with
    {
        HolderIdentity = identity, LeaseDurationSeconds = (int)_options.LeaseDuration.TotalSeconds,
        AcquireTime = acquired, RenewTime = renewed, LeaseTransitions = transitions,
    };

    void Observe(LeaseSpec spec)
    {
        if (spec.Equals(_observed) && !_gone) return;
        (_observed, _observedAt, _gone) = (spec, time.GetTimestamp(), false);
    }

    /// <summary>Gives the Lease away, so that the next leader need not wait for its end.</summary>
    async Task ReleaseAsync()
    {
        try
        {
            // The caller's token is cancelled as a rule; this has a deadline of its own.
            using var deadline = new CancellationTokenSource(_options.RenewDeadline, time);
            if (await client.FindAsync<Lease>(lease, deadline.Token) is not { } current || current.Spec.HolderIdentity != identity) return;
            var spec = current.Spec with { HolderIdentity = "", LeaseDurationSeconds = 1, RenewTime = time.GetUtcNow(), AcquireTime = time.GetUtcNow() };
            Observe((await client.UpdateAsync(current with { Spec = spec }, deadline.Token)).Spec);
        }
        catch (Exception e) { Log.Failed(_logger, e, lease.ToString()); }
    }

    static partial class Log
    {
        [LoggerMessage(3041, LogLevel.Information, "{Identity} leads: it holds lease {Lease}")]
        public static partial void Leading(ILogger logger, string identity, string lease);

        [LoggerMessage(3042, LogLevel.Error, "{Identity} could not renew lease {Lease} in time: it leads no longer")]
        public static partial void Lost(ILogger logger, string identity, string lease);

        [LoggerMessage(3044, LogLevel.Error, "{Identity} leads no longer: lease {Lease} was given to {Holder}")]
        public static partial void Stolen(ILogger logger, string identity, string lease, string holder);

        [LoggerMessage(3043, LogLevel.Warning, "lease {Lease} could not be taken or renewed")]
        public static partial void Failed(ILogger logger, Exception e, string lease);
    }
}

/// <summary>How long a lead lasts: client-go's defaults.</summary>
public sealed record LeaderElectionOptions
{
    /// <summary>Fifteen, ten and two seconds.</summary>
    public static LeaderElectionOptions Default { get; } = new();
    /// <summary>Others wait so long after the last sign of life.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);
    /// <summary>The leader gives up after so long without success; less than <see cref="LeaseDuration"/>.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Between two tries to take or to renew.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);
    /// <summary>Gives the Lease away at the end, so that the next need not wait.</summary>
    public bool ReleaseOnEnd { get; init; } = true;

    /// <exception cref="ArgumentException">With these two could lead at once.</exception>
    internal LeaderElectionOptions Checked()
    {
        if (LeaseDuration < TimeSpan.FromSeconds(1)) throw new ArgumentException("LeaseDuration is less than a second, which a Lease cannot say");
        if (RenewDeadline >= LeaseDuration) throw new ArgumentException("LeaseDuration must be greater than RenewDeadline");
        if (RetryPeriod * 1.2 >= RenewDeadline) throw new ArgumentException("RenewDeadline must be greater than RetryPeriod by a fifth of it");
        return this;
    }
}
