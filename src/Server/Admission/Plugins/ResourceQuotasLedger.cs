using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Quota;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Takes one namespace's charges together, so that a hundred objects at once cost its quotas one write and not a hundred conflicts.</summary>
/// <remarks>
/// Whoever comes while nobody writes does the writing, for all that waits by then. A quota changed meanwhile means to charge anew: the store compares and swaps.
/// A charge is given back only while nobody else has written the quota since: whoever has, has counted, and found that the object is not there.
/// </remarks>
sealed class ResourceQuotasLedger(string ns, ServedObjects objects)
{
    const int Tries = 8, MostCounts = 256;
    static readonly Identity s_self = new("system:apiserver", ["system:masters"]);

    readonly Lock _lock = new();
    List<Waiting> _waiting = [];
    bool _busy;
    /// <summary>By quotas' uids: the version that this ledger wrote last, and how often it found another than that.</summary>
    readonly Dictionary<string, (string Version, long Count)> _counts = [];
    long _begun;

    /// <param name="Cost">What the object costs of a quota, empty when nothing; throws what the client is to be told.</param>
    public sealed record Charge(bool DryRun, Func<ResourceQuota, Map<Quantity>> Cost);

    /// <summary>What was charged to a quota, and under which count.</summary>
    readonly record struct Payment(string Uid, long Count, Map<Quantity> Amount);

    sealed class Waiting(Charge? charge, IReadOnlyList<Payment> paid)
    {
        /// <summary>Null when it only gives back.</summary>
        public Charge? Charge => charge;
        /// <summary>What stands in quotas because of it.</summary>
        public IReadOnlyList<Payment> Paid { get; set; } = paid;
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Done when the charge is stored.</summary>
    /// <returns>Gives it back.</returns>
    public async Task<Func<Task>> ChargeAsync(Charge charge, CancellationToken ct)
    {
        var mine = new Waiting(charge, []);
        await Enqueue(mine).WaitAsync(ct).ConfigureAwait(false);
        return () => mine.Paid.Count == 0 ? Task.CompletedTask : Enqueue(new(null, mine.Paid));
    }

    Task Enqueue(Waiting mine)
    {
        lock (_lock)
        {
            _waiting.Add(mine);
            if (_busy) return mine.Done.Task;
            _busy = true;
        }
        _ = WorkAsync();
        return mine.Done.Task;
    }

    /// <summary>Runs on behalf of others, too: nobody's cancellation is its own.</summary>
    async Task WorkAsync()
    {
        while (true)
        {
            List<Waiting> batch;
            lock (_lock)
            {
                if (_waiting.Count == 0) { _busy = false; return; }
                (batch, _waiting) = (_waiting, []);
            }
            try { await SettleAsync(batch).ConfigureAwait(false); }
            catch (Exception e) { foreach (var waiting in batch) waiting.Done.TrySetException(e); }
        }
    }

    async Task SettleAsync(List<Waiting> batch)
    {
        var open = batch;
        for (int attempt = 1; open.Count > 0; attempt++)
        {
            if (attempt > Tries) throw Statuses.Conflict(Resources.Of<ResourceQuota>().Gvr.GroupResource, "", "the quota is changed faster than it can be charged; please try again");
            var stored = (await objects.ListAsync<ResourceQuota>(ns, default).ConfigureAwait(false)).ToArray();
            long[] counts = [.. stored.Select(Count)];
            var (now, planned) = ((ResourceQuota[])stored.Clone(), new List<(Waiting Waiting, Payment[] Payments)>());
            foreach (var waiting in open)
                if (waiting.Charge is null)
                {
                    GiveBack(waiting, now, counts);
                    planned.Add((waiting, []));
                }
                else if (Plan(waiting, now, counts) is { } payments) planned.Add((waiting, payments));
            bool all = true;
            var written = new HashSet<string>();
            for (int i = 0; i < now.Length && all; i++)
                if (!ReferenceEquals(now[i], stored[i]) && (all = await WriteAsync(now[i], counts[i]).ConfigureAwait(false))) written.Add(now[i].Metadata.Uid);
            // What stands in the quotas that were written is not charged again; the rest is tried anew.
            foreach (var (waiting, payments) in planned)
                waiting.Paid = waiting.Charge is null ? [.. waiting.Paid.Where(p => !written.Contains(p.Uid))] : [.. waiting.Paid, .. payments.Where(p => written.Contains(p.Uid))];
            if (all)
            {
                foreach (var (waiting, _) in planned) waiting.Done.TrySetResult();
                return;
            }
            open = [.. planned.Select(p => p.Waiting)];
        }
    }

    /// <summary>All quotas or none.</summary>
    /// <returns>What is to be paid now; null when it was refused, or nothing is to be written.</returns>
    static Payment[]? Plan(Waiting waiting, ResourceQuota[] now, long[] counts)
    {
        var payments = new List<Payment>();
        try
        {
            for (int i = 0; i < now.Length; i++)
            {
                string uid = now[i].Metadata.Uid;
                long count = counts[i];
                if (waiting.Paid.Any(p => p.Uid == uid && p.Count == count)) continue;
                if (waiting.Charge!.Cost(now[i]) is { IsEmpty: false } cost) payments.Add(new(uid, count, cost));
            }
        }
        catch (StatusException e)
        {
            GiveBack(waiting, now, counts);
            waiting.Done.TrySetException(e);
            return null;
        }
        if (waiting.Charge!.DryRun || payments.Count == 0 && waiting.Paid.Count == 0)
        {
            waiting.Done.TrySetResult();
            return null;
        }
        foreach (var payment in payments)
        {
            int i = Array.FindIndex(now, q => q.Metadata.Uid == payment.Uid);
            now[i] = now[i] with { Status = now[i].Status with { Used = now[i].Status.Used.Plus(payment.Amount) } };
        }
        return [.. payments];
    }

    static void GiveBack(Waiting waiting, ResourceQuota[] now, long[] counts)
    {
        foreach (var (uid, count, amount) in waiting.Paid)
            if (Array.FindIndex(now, q => q.Metadata.Uid == uid) is >= 0 and var i && counts[i] == count)
            {
                var used = now[i].Status.Used;
                foreach (var (name, value) in amount)
                    if (used.TryGet(name, out var had)) used = used.Set(name, (had - value) is { Sign: >= 0 } left ? left : default);
                now[i] = now[i] with { Status = now[i].Status with { Used = used } };
            }
    }

    /// <summary>Under which count the quota stands: another one as soon as somebody else has written it.</summary>
    long Count(ResourceQuota quota)
    {
        var (uid, version) = (quota.Metadata.Uid, quota.Metadata.ResourceVersion);
        // Quotas come and go. Those that are there begin anew, with a count that no payment has.
        if (_counts.Count > MostCounts) _counts.Clear();
        if (!_counts.TryGetValue(uid, out var known)) return (_counts[uid] = (version, ++_begun << 32)).Count;
        return known.Version == version ? known.Count : (_counts[uid] = (version, known.Count + 1)).Count;
    }

    /// <returns>False when it is not the stored one any more.</returns>
    async Task<bool> WriteAsync(ResourceQuota quota, long count)
    {
        var info = Resources.Of<ResourceQuota>();
        if (objects.Stored(info.Gvr.GroupResource) is not { } stored) return true;
        var write = new WriteRequest { Resource = info, Namespace = ns, Name = quota.Metadata.Name, Subresource = "status", Verb = "update", Admitted = true, User = s_self, Warnings = [] };
        try
        {
            var (item, _) = await stored.UpdateAsync(write, _ => quota, unconditional: false, default).ConfigureAwait(false);
            _counts[quota.Metadata.Uid] = (item.Object.Metadata.ResourceVersion, count);
            return true;
        }
        catch (StatusException e) when (e.Reason is "Conflict" or "NotFound") { return false; }
    }
}
