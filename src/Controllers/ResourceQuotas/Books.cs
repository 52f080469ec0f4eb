using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Quota;

namespace Hanbae.Controllers.ResourceQuotas;

/// <summary>The ledgers of all quotas: begun with what is there when a quota is first counted, or says something else, and kept up from then on.</summary>
/// <param name="there">The objects of a resource in a namespace.</param>
sealed class Books(Func<GroupResource, string, IEnumerable<IObject>> there, DeviceCharges devices)
{
    readonly Lock _lock = new();
    readonly Dictionary<Key, Book> _books = [];
    readonly Dictionary<string, HashSet<Book>> _in = [];

    sealed record Book(string Uid, ResourceQuotaSpec Spec, Ledger[] Ledgers, DateTimeOffset Begun);

    /// <summary>A change of an object, in the order of changes; the object is the new, or the last one of what is gone.</summary>
    public void Note(GroupResource resource, IObject obj, bool isGone)
    {
        lock (_lock)
        {
            if (!_in.TryGetValue(obj.Metadata.Namespace, out var books)) return;
            foreach (var book in books)
                foreach (var ledger in book.Ledgers)
                    if (ledger.Resource != resource) continue;
                    else if (isGone) ledger.Remove(obj.Metadata.Uid);
                    else ledger.Set(obj);
        }
    }

    /// <summary>What some objects cost may have become another, without a change of themselves.</summary>
    /// <returns>Whether it has.</returns>
    public bool Weigh(GroupResource resource, string ns, Func<IObject, bool> which)
    {
        bool changed = false;
        lock (_lock)
        {
            if (!_in.TryGetValue(ns, out var books)) return false;
            // As when a book is begun: what is told meanwhile waits.
            foreach (var obj in there(resource, ns).Where(which).ToList())
                foreach (var book in books)
                    foreach (var ledger in book.Ledgers) if (ledger.Resource == resource) changed |= ledger.Weigh(obj);
        }
        return changed;
    }

    public void Forget(Key quota)
    {
        lock (_lock)
            if (_books.Remove(quota, out var book) && _in[quota.Namespace] is var books && books.Remove(book) && books.Count == 0) _in.Remove(quota.Namespace);
    }

    /// <summary>What the quota's namespace uses of each measured resource that it limits.</summary>
    /// <param name="oldest">What was begun longer ago is counted anew.</param>
    /// <returns>The sums, and when they will be less without a change.</returns>
    public (IReadOnlyDictionary<GroupResource, Map<Quantity>> Sums, DateTimeOffset? Next) Of(ResourceQuota quota, TimeSpan oldest, DateTimeOffset now)
    {
        var key = Key.Of(quota);
        lock (_lock)
        {
            if (!_books.TryGetValue(key, out var book) || book.Uid != quota.Metadata.Uid || !book.Spec.Equals(quota.Spec) || now - book.Begun >= oldest) book = Begin(key, quota, now);
            Dictionary<GroupResource, Map<Quantity>> sums = [];
            DateTimeOffset? next = null;
            foreach (var ledger in book.Ledgers)
            {
                sums.Add(ledger.Resource, ledger.Sum(now));
                if (ledger.Next is { } at && !(next < at)) next = at;
            }
            return (sums, next);
        }
    }

    /// <summary>In the lock: what is told while this reads waits, and says nothing older than what is read once all of it is told.</summary>
    Book Begin(Key key, ResourceQuota quota, DateTimeOffset now)
    {
        Forget(key);
        Ledger[] ledgers = [.. CountPlan.Measured.Where(r => quota.Spec.Hard.Any(h => Charges.Concerns(r, h.Key))).Select(r => new Ledger(quota, r, devices))];
        foreach (var ledger in ledgers)
            foreach (var obj in there(ledger.Resource, key.Namespace)) ledger.Set(obj);
        var book = new Book(quota.Metadata.Uid, quota.Spec, ledgers, now);
        _books.Add(key, book);
        if (!_in.TryGetValue(key.Namespace, out var books)) _in.Add(key.Namespace, books = new(ReferenceEqualityComparer.Instance));
        books.Add(book);
        return book;
    }
}
