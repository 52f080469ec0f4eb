namespace Hanbae.Server.Audit;

/// <summary>The audit policy of a cluster that was told none: who changed what, and who looked at what is secret or into Pods; never what was in it.</summary>
/// <remarks>
/// What the CIS benchmark asks for (1.2.16, 3.2.2) at the least cost: one line for a change, none for what components read or renew all the time.
/// </remarks>
public static class DefaultAudit
{
    public const string Policy = """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [RequestReceived]
        rules:
        # Signs of life and notes, written all the time.
        - level: None
          resources: [{group: coordination.k8s.io, resources: [leases]}, {group: "", resources: [events]}, {group: events.k8s.io, resources: [events]}]
        # What the cluster's own parts read to work at all, and what they ask about others' rights.
        - level: None
          users: ["system:apiserver", "system:kube-scheduler", "system:kube-proxy", "system:hanbae:informers"]
          verbs: [get, list, watch]
        - level: None
          userGroups: ["system:nodes"]
          verbs: [get, list, watch]
        - level: None
          userGroups: ["system:nodes"]
          resources: [{group: authorization.k8s.io, resources: [subjectaccessreviews]}, {group: authentication.k8s.io, resources: [tokenreviews]}]
        # Whoever else looks at what is secret, or into Pods, and however.
        - level: Metadata
          resources:
          - {group: "", resources: [secrets, configmaps, serviceaccounts/token, pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy, nodes/proxy]}
          - {group: authentication.k8s.io, resources: [tokenreviews]}
        # Every change.
        - level: Metadata
          verbs: [create, update, patch, delete, deletecollection]
        """;
}
