using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Networking.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Errors;
using IPAddress = System.Net.IPAddress;
using Address = Hanbae.Api.Networking.V1.IPAddress;

namespace Hanbae.Server.Registry.Services;

/// <summary>Shows who has which cluster IP as IPAddress objects, and reads what ranges there are from ServiceCIDRs (KEP-1880).</summary>
/// <remarks>The allocator decides; the objects follow. What a crash left behind is put right when the allocator next learns what is taken.</remarks>
sealed class AddressObjects(StoredResource addresses, StoredResource ranges, StoredResource services)
{
    const string Family = "ipaddress.kubernetes.io/ip-family", ManagedBy = "ipaddress.kubernetes.io/managed-by", Allocator = "ipallocator.k8s.io";
    static readonly Identity s_server = new("system:apiserver", ["system:masters"]);

    public static bool IsOurs(IObject address) => address.Metadata.Labels[ManagedBy] == Allocator;

    /// <summary>What is there: Services, ranges, and addresses that belong to no Service; makes the objects agree with it.</summary>
    public async ValueTask<Taken> LearnAsync(CancellationToken ct)
    {
        var all = await AllAsync<Service>(services, ct).ConfigureAwait(false);
        var wanted = all.SelectMany(s => Addresses(s).Select(a => (Name: a.ToString(), Service: s))).DistinctBy(p => p.Name).ToDictionary(p => p.Name, p => p.Service);
        var foreign = new List<IPAddress>();
        foreach (var address in await AllAsync<Address>(addresses, ct).ConfigureAwait(false))
        {
            string name = address.Metadata.Name;
            if (wanted.Remove(name)) continue;
            if (IsOurs(address)) await DeleteAsync(name, ct).ConfigureAwait(false);
            else if (IpSyntax.TryParse(name, out var ip)) foreign.Add(ip);
        }
        foreach (var (name, service) in wanted) await CreateAsync(name, service, ct).ConfigureAwait(false);
        var networks = new List<IPNetwork>();
        foreach (var range in await AllAsync<ServiceCIDR>(ranges, ct).ConfigureAwait(false))
            if (range.Metadata.DeletionTimestamp is null)
                foreach (string cidr in range.Spec.Cidrs) if (IPNetwork.TryParse(cidr, out var network)) networks.Add(network);
        return new(all, networks, foreign);
    }

    static async ValueTask<List<T>> AllAsync<T>(StoredResource stored, CancellationToken ct) where T : class, IObject<T>
    {
        var state = await stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
        return Objects<T>(state);
    }

    internal static List<T> Objects<T>(Cache.ResourceCache.State state)
    {
        var all = new List<T>();
        foreach (var item in state.All.Between("", "")) all.Add((T)item.Object);
        return all;
    }

    /// <summary>As far as it is in memory; null when nobody has asked for it yet.</summary>
    static List<T>? Known<T>(StoredResource stored) => stored.Cache.AnyAsync(CancellationToken.None) is { IsCompletedSuccessfully: true } state ? Objects<T>(state.Result) : null;

    static IEnumerable<IPAddress> Addresses(Service service) => ServiceHoldings.Of(service).Addresses;

    /// <summary>After a write of a Service: new addresses are shown, former ones are not any more.</summary>
    public async ValueTask FollowAsync(Service? now, Service? old, CancellationToken ct)
    {
        var has = now is null ? [] : Addresses(now).ToHashSet();
        var had = old is null ? [] : Addresses(old).ToHashSet();
        if (now is not null)
            foreach (var address in has.Except(had)) await CreateAsync(address.ToString(), now, ct).ConfigureAwait(false);
        bool freed = false;
        foreach (var address in had.Except(has))
        {
            await DeleteAsync(address.ToString(), ct).ConfigureAwait(false);
            freed = true;
        }
        if (freed) await EndRangesAsync(ct).ConfigureAwait(false);
    }

    async ValueTask CreateAsync(string name, Service service, CancellationToken ct)
    {
        var address = new Address
        {
            Metadata = new() { Name = name, Labels = Map.Of((Family, name.Contains(':') ? "IPv6" : "IPv4"), (ManagedBy, Allocator)) },
            Spec = new() { ParentRef = new() { Resource = "services", Namespace = service.Metadata.Namespace, Name = service.Metadata.Name } },
        };
        try { await addresses.CreateAsync(Write(addresses, name), address, ct).ConfigureAwait(false); }
        catch (StatusException e) when (e.Reason == "AlreadyExists") { }
    }

    async ValueTask DeleteAsync(string name, CancellationToken ct)
    {
        try { await addresses.DeleteAsync(Write(addresses, name), new(), ct).ConfigureAwait(false); }
        catch (StatusException e) when (e.Reason == "NotFound") { }
    }

    /// <summary>Whether an address is in use that only this range has; while that is not known, it may be.</summary>
    public bool InUse(ServiceCIDR range)
    {
        if (Known<ServiceCIDR>(ranges) is not { } all || Known<Address>(addresses) is not { } used) return true;
        var own = Networks(range);
        var others = all.Where(r => r.Metadata.Name != range.Metadata.Name && r.Metadata.DeletionTimestamp is null).SelectMany(Networks).ToList();
        foreach (var address in used)
            if (IpSyntax.TryParse(address.Metadata.Name, out var ip) && own.Exists(n => n.Contains(ip)) && !others.Exists(n => n.Contains(ip))) return true;
        return false;
    }

    /// <summary>Reads what <see cref="InUse"/> looks at.</summary>
    public async ValueTask LookAsync(CancellationToken ct)
    {
        await addresses.Cache.CurrentAsync(ct).ConfigureAwait(false);
        await ranges.Cache.CurrentAsync(ct).ConfigureAwait(false);
    }

    static List<IPNetwork> Networks(ServiceCIDR range) => [.. range.Spec.Cidrs.Select(c => IPNetwork.TryParse(c, out var n) ? n : default).Where(n => n != default)];

    /// <summary>Ranges that were deleted while their addresses were in use end with the last of them.</summary>
    async ValueTask EndRangesAsync(CancellationToken ct)
    {
        await LookAsync(ct).ConfigureAwait(false);
        foreach (var range in await AllAsync<ServiceCIDR>(ranges, ct).ConfigureAwait(false))
            if (range.Metadata.DeletionTimestamp is not null && !InUse(range))
                try { await ranges.UpdateAsync(Write(ranges, range.Metadata.Name), static old => old!, unconditional: true, ct).ConfigureAwait(false); }
                catch (StatusException e) when (e.Reason is "NotFound" or "Conflict") { }
    }

    static WriteRequest Write(StoredResource stored, string name) => new()
    {
        Resource = Resources.Of(stored.Kind.Gvk.GroupVersion).First(r => r.Kind == stored.Kind), Namespace = "", Name = name, User = s_server, Warnings = [],
    };
}
