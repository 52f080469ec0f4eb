using System.Collections.Immutable;
using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Every plugin there is, in the order in which nodes are asked: cheap and often decisive ones first, reasons that nothing can change before those that time may.</summary>
/// <remarks>Weights and order are upstream's default profile's. A profile may leave plugins out, order them otherwise or weigh them otherwise.</remarks>
internal static class Catalog
{
    public sealed record Entry(string Name, int Weight, Func<SchedulerProfile, IPlugin> Make);

    public static ImmutableArray<Entry> All { get; } =
    [
        new("SchedulingGates", 0, _ => new SchedulingGates()),                              // before the queue
        new("GangScheduling", 0, _ => new GangScheduling()),                                // before the queue; nothing for Pods without a group
        new("PrioritySort", 0, _ => new PrioritySort()),                                    // the queue's order; exactly one
        new("NodeUnschedulable", 0, _ => new NodeUnschedulable()),                          // one flag
        new("NodeName", 0, _ => new NodeName()),                                            // one comparison, and then nothing else matters
        new("TaintToleration", 3, _ => new TaintToleration()),                              // few taints
        new("NodeAffinity", 2, p => new NodeAffinity(p.AddedAffinity)),                     // label look-ups; may name the only nodes
        new("NodePorts", 0, _ => new NodePorts()),                                          // nothing for Pods without host ports
        new("NodeResourcesFit", 1, p => new NodeResourcesFit(p.Fit)),                       // arithmetic; what eviction can change starts here
        new("VolumeRestrictions", 0, _ => new VolumeRestrictions()),                        // the next four: nothing for Pods without claims
        new("NodeVolumeLimits", 0, _ => new NodeVolumeLimits()),
        new("VolumeBinding", 0, p => new VolumeBinding(p.Volumes)),
        new("VolumeZone", 0, _ => new VolumeZone()),
        new("PodTopologySpread", 2, p => new PodTopologySpread(p.Spread)),                  // one look-up per constraint
        new("InterPodAffinity", 2, p => new InterPodAffinity(p.Affinity)),                  // one look-up per term
        new("DynamicResources", 2, p => new DynamicResources(p.Devices)),                   // nothing for Pods without claims; a search for those that have some
        new("DefaultPreemption", 0, p => new DefaultPreemption(p.Preemption)),              // only when nothing fits
        new("NodeResourcesBalancedAllocation", 1, p => new BalancedAllocation(p.Balanced)),
        new("ImageLocality", 1, _ => new ImageLocality()),
        new("DefaultBinder", 0, _ => new DefaultBinder()),                                  // last of all that every Pod meets
        new("NodeDeclaredFeatures", 0, _ => new NodeDeclaredFeatures()),                    // nothing for most Pods; behind the rest, as upstream's
    ];
}
