namespace Hanbae.Server.Bootstrap.Policy;

/// <summary>What upstream has no role for: it has no such parts, or has them behind gates that are off.</summary>
static class HanbaeRoles
{
    public const string Text = """
        role system:aggregated-metrics-reader for=view
          R metrics.k8s.io nodes,pods
        role system:hanbae:informers
          list,watch * *
        role system:hanbae:simulated-nodes
          create,get,list,update,watch - nodes
          patch - nodes/status
          delete,get,list,watch - pods
          patch - pods/status
          create,get,update coordination.k8s.io leases
          EV
        role system:hanbae:local-provisioner
          create,delete,get,list,update,watch - persistentvolumes
          get,list,update,watch - persistentvolumeclaims
          update - persistentvolumeclaims/status
          get - nodes
          create,get storage.k8s.io storageclasses
          EV
        role system:hanbae:csi-controller
          create,delete,get,list,patch,update,watch - persistentvolumes
          get,list,patch,update,watch - persistentvolumeclaims
          update - persistentvolumeclaims/status
          get - secrets
          R - nodes,pods
          R storage.k8s.io csidrivers,csinodes,storageclasses,volumeattributesclasses
          get,list,patch,update,watch storage.k8s.io volumeattachments
          update storage.k8s.io volumeattachments/status
          create,delete,get,list,update,watch storage.k8s.io csistoragecapacities
          create,get,list,update coordination.k8s.io leases
          create,delete,get,list,update,watch snapshot.storage.k8s.io volumesnapshotcontents,volumesnapshots
          update snapshot.storage.k8s.io volumesnapshotcontents/status,volumesnapshots/status
          R snapshot.storage.k8s.io volumesnapshotclasses
          EV
        role system:hanbae:tokens-controller
          delete,get,list,update,watch - secrets
          get,list,update,watch - serviceaccounts
          EV
        bind system:hanbae:csi-controller user=system:hanbae:csi-controller
        role system:hanbae:device-taint-rules
          R resource.k8s.io devicetaintrules
          patch,update resource.k8s.io devicetaintrules/status
        controller storage-version-migrator-controller
          list,patch * *
          R storagemigration.k8s.io storageversionmigrations
          update storagemigration.k8s.io storageversionmigrations/status
          get,update apiextensions.k8s.io customresourcedefinitions,customresourcedefinitions/status
        role system:hanbae:pod-groups
          R scheduling.k8s.io podgroups
          get,list,patch,update,watch scheduling.k8s.io podgroups/status
          R resource.k8s.io devicetaintrules
        bind system:hanbae:device-taint-rules account=device-taint-eviction-controller
        bind system:hanbae:pod-groups user=system:kube-scheduler
        bind system:hanbae:informers user=system:hanbae:informers
        bind system:hanbae:simulated-nodes user=system:hanbae:simulated-nodes
        bind system:hanbae:local-provisioner user=system:hanbae:local-provisioner
        bind system:hanbae:tokens-controller user=system:serviceaccount:kube-system:tokens-controller
        namespace kube-system
        role system:hanbae:dns-service
          create,get - services
          create,get,update discovery.k8s.io endpointslices
        bind system:hanbae:dns-service user=system:hanbae:dns-service
        """;
}
