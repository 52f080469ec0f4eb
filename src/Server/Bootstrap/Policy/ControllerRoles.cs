namespace Hanbae.Server.Bootstrap.Policy;

/// <summary>What each controller may do; each is bound to the service account of its name in kube-system.</summary>
static class ControllerRoles
{
    public const string Text = """
        controller attachdetach-controller
          list,watch - persistentvolumeclaims,persistentvolumes
          R - nodes
          patch,update - nodes/status
          list,watch - pods
          EV
          create,delete,get,list,watch storage.k8s.io volumeattachments
          R storage.k8s.io csidrivers,csinodes
        controller clusterrole-aggregation-controller
          escalate,get,list,patch,update,watch rbac.authorization.k8s.io clusterroles
        controller cronjob-controller
          get,list,update,watch batch cronjobs
          create,delete,get,list,patch,update,watch batch jobs
          update batch cronjobs/status
          update batch cronjobs/finalizers
          delete,list,watch - pods
          EV
        controller daemon-set-controller
          R apps,extensions daemonsets
          update apps,extensions daemonsets/status
          update apps,extensions daemonsets/finalizers
          list,watch - nodes
          create,delete,list,patch,watch - pods
          create - pods/binding
          create,delete,get,list,patch,update,watch apps controllerrevisions
          EV
        controller deployment-controller
          get,list,update,watch apps,extensions deployments
          update apps,extensions deployments/status
          update apps,extensions deployments/finalizers
          create,delete,get,list,patch,update,watch apps,extensions replicasets
          get,list,update,watch - pods
          EV
        controller device-taint-eviction-controller
          get,list,watch,delete - pods
          patch,update - pods/status
          R resource.k8s.io deviceclasses,resourceclaims,resourceslices
          EV
        controller disruption-controller
          R apps,extensions deployments
          R apps,extensions replicasets
          R - replicationcontrollers
          R policy poddisruptionbudgets
          R apps statefulsets
          update policy poddisruptionbudgets/status
          patch,update - pods/status
          get * */scale
          EV
        controller endpoint-controller
          R - pods,services
          create,delete,get,list,update,watch - endpoints
          create - endpoints/restricted
          EV
        controller endpointslice-controller
          R - nodes,pods,services
          update - services/finalizers
          create,delete,get,list,update,watch discovery.k8s.io endpointslices
          EV
        controller endpointslicemirroring-controller
          R - endpoints,services
          update - services/finalizers
          update - endpoints/finalizers
          create,delete,get,list,update,watch discovery.k8s.io endpointslices
          EV
        controller expand-controller
          get,list,patch,update,watch - persistentvolumes
          patch,update - persistentvolumeclaims/status
          R - persistentvolumeclaims
          EV
        controller ephemeral-volume-controller
          R - pods
          update - pods/finalizers
          create,get,list,watch - persistentvolumeclaims
          EV
        controller resource-claim-controller
          R - pods
          update - pods/finalizers
          create,delete,get,list,watch resource.k8s.io resourceclaims
          patch,update resource.k8s.io resourceclaims,resourceclaims/status
          patch,update - pods/status
          patch,update resource.k8s.io resourceclaims/binding
          EV
        controller generic-garbage-collector
          delete,get,list,patch,update,watch * *
          EV
        controller horizontal-pod-autoscaler
          R autoscaling horizontalpodautoscalers
          update autoscaling horizontalpodautoscalers/status
          get,update * */scale
          list,watch - pods
          list,watch metrics.k8s.io pods
          R custom.metrics.k8s.io *
          R external.metrics.k8s.io *
          EV
        controller job-controller
          get,list,patch,update,watch batch jobs
          update batch jobs/status
          update batch jobs/finalizers
          create,delete,list,patch,watch - pods
          EV
        controller legacy-service-account-token-cleaner
          get - configmaps names=kube-apiserver-legacy-service-account-token-tracking
          delete,patch - secrets
        controller namespace-controller
          delete,get,list,watch - namespaces
          update - namespaces/finalize,namespaces/status
          delete,deletecollection,get,list,watch * *
        controller node-controller
          delete,get,list,patch,update,watch - nodes
          patch,update - nodes/status
          patch,update - pods/status
          delete,get,list,watch - pods
          EV
        controller persistent-volume-binder
          create,delete,get,list,update,watch - persistentvolumes
          update - persistentvolumes/status
          get,list,update,watch - persistentvolumeclaims
          update - persistentvolumeclaims/status
          create,delete,get,list,watch - pods
          R storage.k8s.io storageclasses
          list,watch - nodes
          watch - events
          EV
        controller pod-garbage-collector
          delete,list,watch - pods
          R - nodes
          patch - pods/status
        controller pv-protection-controller
          get,list,update,watch - persistentvolumes
          EV
        controller pvc-protection-controller
          get,list,update,watch - persistentvolumeclaims
          update - persistentvolumeclaims/status
          get,list,watch - pods
          EV
        controller volumeattributesclass-protection-controller
          get,list,update,watch storage.k8s.io volumeattributesclasses
          R - persistentvolumeclaims,persistentvolumes
          EV
        controller replicaset-controller
          get,list,update,watch apps,extensions replicasets
          update apps,extensions replicasets/status
          update apps,extensions replicasets/finalizers
          create,delete,list,patch,watch - pods
          EV
        controller replication-controller
          get,list,update,watch - replicationcontrollers
          update - replicationcontrollers/status
          update - replicationcontrollers/finalizers
          create,delete,list,patch,watch - pods
          EV
        controller resourcequota-controller
          list,watch * *
          update - resourcequotas/status
          EV
        controller root-ca-cert-publisher
          create,update - configmaps
          EV
        controller route-controller
          list,watch - nodes
          patch - nodes/status
          EV
        controller selinux-warning-controller
          R - persistentvolumeclaims,persistentvolumes,pods
          R storage.k8s.io csidrivers
          EV
        controller service-account-controller
          create - serviceaccounts
          EV
        controller service-controller
          R - services
          patch,update - services/status
          list,watch - nodes
          EV
        controller service-cidrs-controller
          get,list,patch,update,watch networking.k8s.io servicecidrs
          patch,update networking.k8s.io servicecidrs/finalizers
          patch,update networking.k8s.io servicecidrs/status
          R networking.k8s.io ipaddresses
          EV
        controller statefulset-controller
          list,watch - pods
          R apps statefulsets
          update apps statefulsets/status
          update apps statefulsets/finalizers
          create,delete,get,patch,update - pods
          create,delete,get,list,patch,update,watch apps controllerrevisions
          create,get,list,watch - persistentvolumeclaims
          delete,update - persistentvolumeclaims
          update - pods/finalizers
          EV
        controller ttl-after-finished-controller
          delete,get,list,watch batch jobs
          EV
        controller ttl-controller
          list,patch,update,watch - nodes
          EV
        controller certificate-controller
          delete,get,list,watch certificates.k8s.io certificatesigningrequests
          update certificates.k8s.io certificatesigningrequests/approval,certificatesigningrequests/status
          approve certificates.k8s.io signers names=kubernetes.io/kube-apiserver-client-kubelet
          sign certificates.k8s.io signers names=kubernetes.io/kube-apiserver-client,kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown
          create authorization.k8s.io subjectaccessreviews
          EV
        controller podcertificaterequestcleaner
          delete,get,list,watch certificates.k8s.io podcertificaterequests
        controller kube-apiserver-serving-clustertrustbundle-publisher
          attest certificates.k8s.io signers names=kubernetes.io/kube-apiserver-serving
          create,delete,list,update,watch certificates.k8s.io clustertrustbundles
          EV
        controller validatingadmissionpolicy-status-controller
          get,list,watch admissionregistration.k8s.io validatingadmissionpolicies
          get,patch,update admissionregistration.k8s.io validatingadmissionpolicies/status
          EV
        """;
}
