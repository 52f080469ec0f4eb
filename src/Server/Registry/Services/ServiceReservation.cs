using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Registry.Services;

/// <summary>The addresses and ports taken for one write of a Service.</summary>
sealed class ServiceReservation(ServiceAllocator allocator, Service service, Service? old) : IReservation
{
    readonly string _owner = ServiceHoldings.OwnerOf(service);
    readonly ServiceHoldings? _old = old is null ? null : ServiceHoldings.Of(old);
    Outcome _outcome = Outcome.NotWritten;

    public Service Service { get; private set; } = service;
    public IObject Object => Service;

    public void Writing() => _outcome = Outcome.Unknown;

    public void Settle(bool written)
    {
        _outcome = written ? Outcome.Written : Outcome.NotWritten;
        allocator.End(this, _outcome);
    }

    public void Dispose() => allocator.End(this, _outcome);

    // What follows is called by the allocator, under its lock.

    internal void Fill(AddressRanges pools, NodePortPool ports)
    {
        if (ServiceNeeds.ClusterIP(Service) && !ServiceNeeds.IsHeadless(Service)) FillAddresses(pools);
        if (ServiceNeeds.NodePort(Service)) FillPorts(ports);
        if (ServiceNeeds.HealthCheckNodePort(Service)) FillHealthCheck(ports);
    }

    void FillAddresses(AddressRanges pools)
    {
        var ips = Service.Spec.ClusterIPs;
        for (int i = 0; i < Service.Spec.IpFamilies.Count; i++)
        {
            if (i < ips.Count)
            {
                // An address it had already may lie in a range of former days.
                if (!IpSyntax.TryParse(ips[i], out var address) || _old is not null && _old.Addresses.Contains(address)) continue;
                if (pools.Take(address, _owner) is { } wrong)
                    throw Refused(FieldError.InvalidAs("spec.clusterIPs", Shown.List(Service.Spec.ClusterIPs), $"failed to allocate IP {address}: {wrong}"));
            }
            else
            {
                var address = pools.TakeAny(Service.Spec.IpFamilies[i], _owner) ?? throw Statuses.Internal("failed to allocate a serviceIP: range is full");
                ips = ips.Add(address.ToString());
                Keep(s => s with { ClusterIPs = ips, ClusterIP = ips[0] });
            }
        }
    }

    void FillPorts(NodePortPool pool)
    {
        bool any = ServiceNeeds.AnyNodePort(Service);
        var ports = Service.Spec.Ports;
        for (int i = 0; i < ports.Count; i++)
            if (ports[i].NodePort != 0 && _old?.Ports.Contains(ports[i].NodePort) != true && pool.Take(ports[i].NodePort, _owner) is { } wrong)
                throw Refused(FieldError.Invalid($"spec.ports[{i}].nodePort", ports[i].NodePort, wrong));
        for (int i = 0; i < ports.Count && any; i++)
        {
            if (ports[i].NodePort != 0) continue;
            // The same port in another protocol (DNS) gets the same node port.
            int port = ports[i].Port, twin = 0;
            foreach (var p in ports) if (p.Port == port && p.Protocol != ports[i].Protocol && p.NodePort != 0) twin = p.NodePort;
            if (twin != 0 && ports.Exists(p => p.NodePort == twin && p.Protocol == ports[i].Protocol)) twin = 0;
            int node = twin != 0 ? twin : pool.TakeAny(_owner) ?? throw Statuses.Internal("failed to allocate a nodePort: range is full");
            ports = ports.SetAt(i, ports[i] with { NodePort = node });
            Keep(s => s with { Ports = ports });
        }
    }

    void FillHealthCheck(NodePortPool pool)
    {
        int asked = Service.Spec.HealthCheckNodePort;
        if (asked == 0)
        {
            int node = pool.TakeAny(_owner) ?? throw Statuses.Internal("failed to allocate a HealthCheck NodePort : range is full");
            Keep(s => s with { HealthCheckNodePort = node });
        }
        else if (_old?.Ports.Contains(asked) != true && pool.Take(asked, _owner) is { } wrong)
            throw Statuses.Internal($"failed to allocate requested HealthCheck NodePort {asked}: {wrong}");
    }

    void Keep(Func<ServiceSpec, ServiceSpec> change) => Service = Service with { Spec = change(Service.Spec) };

    StatusException Refused(FieldError error) => Statuses.Invalid(Service.Info.Gvk, Service.Metadata.Name, [error]);

    ServiceHoldings New => ServiceHoldings.Of(Service);

    internal void Retake(AddressRanges pools, NodePortPool ports) => New.Take(pools, ports);

    internal void GiveBack(AddressRanges pools, NodePortPool ports) => (_old is null ? New : New.Except(_old)).Release(pools, ports);

    internal void ReleaseOld(AddressRanges pools, NodePortPool ports) => _old?.Except(New).Release(pools, ports);
}
