using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Registry.Services;

/// <summary>Gives Services their cluster IPs and node ports, each to one.</summary>
/// <remarks>
/// Taken is what stored Services have and what is reserved for writes on their way. It is in memory, learnt from the stored Services when
/// first needed, and learnt anew when a write ended without an answer. So it is exact for the one server that writes to its store.
/// </remarks>
sealed class ServiceAllocator : IDisposable
{
    readonly Lock _gate = new();
    readonly SemaphoreSlim _learning = new(1, 1);
    readonly AddressRanges _addresses;
    readonly IReadOnlyList<string> _families;
    readonly NodePortPool _ports;
    readonly HashSet<ServiceReservation> _underWay = [];
    bool _known;

    public ServiceAllocator(ServiceNetworks networks)
    {
        _addresses = new(networks.ClusterIPs);
        _families = _addresses.Families;
        _ports = new(networks.FirstNodePort, networks.LastNodePort);
    }

    /// <param name="all">Reads the stored Services, no older than the last answered write.</param>
    /// <exception cref="StatusException">What the Service asks for is taken or impossible, or there is no more.</exception>
    public async ValueTask<ServiceReservation> ReserveAsync(Service service, Service? old, Func<CancellationToken, ValueTask<Taken>> all, CancellationToken ct)
    {
        if (!Volatile.Read(ref _known)) await LearnAsync(all, ct).ConfigureAwait(false);
        service = old is null ? ServiceFields.OnCreate(service) : ServiceFields.OnUpdate(service, old);
        var errors = ServiceClusterIPs.Check(service, old);
        service = ServiceFamilies.Decide(service, old, _families, errors);
        if (errors.Count > 0) throw Statuses.Invalid(Service.Info.Gvk, service.Metadata.Name, errors);
        var reservation = new ServiceReservation(this, service, old);
        lock (_gate)
        {
            try { reservation.Fill(_addresses, _ports); }
            catch (StatusException)
            {
                reservation.GiveBack(_addresses, _ports);
                throw;
            }
            _underWay.Add(reservation);
        }
        return reservation;
    }

    async ValueTask LearnAsync(Func<CancellationToken, ValueTask<Taken>> all, CancellationToken ct)
    {
        await _learning.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_known) return;
            // Reservations that begin meanwhile wait here; deletions that end meanwhile are seen or come after.
            var taken = await all(ct).ConfigureAwait(false);
            lock (_gate)
            {
                _addresses.Set(taken.Ranges);
                _addresses.Clear();
                _ports.Clear();
                foreach (var address in taken.Foreign) _addresses.Take(address, Foreign(address));
                foreach (var service in taken.Services) ServiceHoldings.Of(service).Take(_addresses, _ports);
                foreach (var reservation in _underWay) reservation.Retake(_addresses, _ports);
                Volatile.Write(ref _known, true);
            }
        }
        finally { _learning.Release(); }
    }

    static string Foreign(IPAddress address) => "ipaddresses/" + address;

    /// <summary>Something else than a Service has the address, or has it no longer.</summary>
    public void Hold(IPAddress address)
    {
        lock (_gate) _addresses.Take(address, Foreign(address));
    }

    public void LetGo(IPAddress address)
    {
        lock (_gate) _addresses.Release(address, Foreign(address));
    }

    /// <summary>The ranges are others than before: the next who asks learns them.</summary>
    public void Forget()
    {
        lock (_gate) _known = false;
    }

    internal void End(ServiceReservation reservation, Outcome outcome)
    {
        lock (_gate)
        {
            if (!_underWay.Remove(reservation)) return;
            if (outcome == Outcome.Written) reservation.ReleaseOld(_addresses, _ports);
            else if (outcome == Outcome.NotWritten) reservation.GiveBack(_addresses, _ports);
            else _known = false;
        }
    }

    /// <summary>The Service is gone.</summary>
    public void Release(Service service)
    {
        lock (_gate) ServiceHoldings.Of(service).Release(_addresses, _ports);
    }

    public void Dispose() => _learning.Dispose();
}

/// <summary>What is there already.</summary>
/// <param name="Foreign">Addresses that somebody reserved by hand.</param>
sealed record Taken(List<Service> Services, List<IPNetwork> Ranges, List<IPAddress> Foreign);

/// <summary>What became of a write.</summary>
enum Outcome { NotWritten, Written, Unknown }
