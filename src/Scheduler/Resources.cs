using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Quota;

namespace Hanbae.Scheduler;

/// <summary>Amounts of what a node has and a Pod asks for, in the units that are compared: CPU in thousandths, the rest in bytes or pieces.</summary>
internal readonly record struct Resources(long MilliCpu, long Memory, long EphemeralStorage)
{
    /// <summary>Extended resources and hugepages; empty for nearly every Pod.</summary>
    public Map<long> Scalars { get; init; }

    public static Resources Of(Map<Quantity> list)
    {
        long cpu = 0, memory = 0, storage = 0;
        Map<long> scalars = default;
        foreach (var (name, quantity) in list)
            switch (name)
            {
                case "cpu": cpu = quantity.MilliValue(); break;
                case "memory": memory = quantity.Value(); break;
                case "ephemeral-storage": storage = quantity.Value(); break;
                case "pods": break;
                default: scalars = scalars.Set(name, quantity.Value()); break;
            }
        return new(cpu, memory, storage) { Scalars = scalars };
    }

    /// <summary>What a Pod takes of its node: what it asks for, and while it is resized what it still has.</summary>
    public static Resources Of(Pod pod, Resources missing = default) =>
        PodAmounts.IsSettled(pod) ? Of(pod.Spec, missing) : Of(PodAmounts.Requests(pod, missing == default ? default
            : Map.Of(("cpu", Quantity.Parse(missing.MilliCpu + "m")), ("memory", new Quantity(missing.Memory)))));

    /// <summary>What a Pod asks for: its containers and sidecars together, or an init container where that needs more, and its overhead.</summary>
    /// <remarks>KEP-753 for sidecars: those started before an init container run beside it. KEP-2837: pod-level amounts take precedence.</remarks>
    /// <param name="missing">What a container counts as that asks for no CPU, or no memory.</param>
    public static Resources Of(PodSpec spec, Resources missing = default)
    {
        Resources running = default, peak = default;
        foreach (var init in spec.InitContainers)
        {
            var asked = Of(init.Resources.Requests, missing);
            if (init.RestartPolicy == "Always")
            {
                running += asked;
                peak = Max(peak, running);
            }
            else peak = Max(peak, running + asked);
        }
        foreach (var container in spec.Containers) running += Of(container.Resources.Requests, missing);
        var total = Max(running, peak);
        if (spec.Resources is { } pod) total = total.OverriddenBy(pod.Requests);
        return total + Of(spec.Overhead);
    }

    static Resources Of(Map<Quantity> requests, Resources missing)
    {
        var asked = Of(requests);
        return asked with
        {
            MilliCpu = requests.ContainsKey("cpu") ? asked.MilliCpu : missing.MilliCpu,
            Memory = requests.ContainsKey("memory") ? asked.Memory : missing.Memory,
        };
    }

    Resources OverriddenBy(Map<Quantity> list)
    {
        var pod = Of(list);
        return this with
        {
            MilliCpu = list.ContainsKey("cpu") ? pod.MilliCpu : MilliCpu,
            Memory = list.ContainsKey("memory") ? pod.Memory : Memory,
            Scalars = Scalars.With(pod.Scalars),
        };
    }

    public static Resources operator +(Resources a, Resources b) => new(a.MilliCpu + b.MilliCpu, a.Memory + b.Memory, a.EphemeralStorage + b.EphemeralStorage)
    {
        Scalars = Merge(a.Scalars, b.Scalars, (x, y) => x + y),
    };

    public static Resources operator -(Resources a, Resources b) => new(a.MilliCpu - b.MilliCpu, a.Memory - b.Memory, a.EphemeralStorage - b.EphemeralStorage)
    {
        Scalars = Merge(a.Scalars, b.Scalars, (x, y) => x - y),
    };

    static Resources Max(Resources a, Resources b) =>
        new(Math.Max(a.MilliCpu, b.MilliCpu), Math.Max(a.Memory, b.Memory), Math.Max(a.EphemeralStorage, b.EphemeralStorage)) { Scalars = Merge(a.Scalars, b.Scalars, Math.Max) };

    static Map<long> Merge(Map<long> a, Map<long> b, Func<long, long, long> join)
    {
        if (b.IsEmpty) return a;
        foreach (var (name, amount) in b) a = a.Set(name, join(a[name], amount));
        return a;
    }
}
