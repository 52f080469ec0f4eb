namespace Hanbae.Server.Bootstrap.Policy;

/// <summary>The cluster roles every cluster has, as <see cref="PolicyText"/> reads them: those for people, for nodes and for the control plane's parts.</summary>
static class ClusterRoles
{
    public const string Text = """
        role cluster-admin
          * * *
          * path *
        role system:discovery
          get path /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/
        role system:monitoring
          get path /flagz,/healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*,/statusz
          get - nodes/metrics
        role system:public-info-viewer
          get path /healthz,/livez,/readyz,/version,/version/
        role system:basic-user
          create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews
          create authentication.k8s.io selfsubjectreviews
        role system:service-account-issuer-discovery
          get path /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/
        role admin gathers=admin
        role edit gathers=edit for=admin
        role view gathers=view for=edit
        role system:aggregate-to-admin for=admin
          create authorization.k8s.io localsubjectaccessreviews
          RW rbac.authorization.k8s.io rolebindings,roles
        role system:aggregate-to-edit for=edit
          R - pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
          impersonate - serviceaccounts
          W - pods,pods/attach,pods/exec,pods/portforward,pods/proxy
          create - pods/eviction
          W - configmaps,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy
          create - serviceaccounts/token
          W -,events.k8s.io events
          W apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale
          W autoscaling horizontalpodautoscalers
          W batch cronjobs,jobs
          W extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale
          W policy poddisruptionbudgets
          W networking.k8s.io ingresses,networkpolicies
          RW coordination.k8s.io leases
          W resource.k8s.io resourceclaims,resourceclaimtemplates
        role system:aggregate-to-view for=view
          R - configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
          R - bindings,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status
          R - namespaces
          R -,events.k8s.io events
          R discovery.k8s.io endpointslices
          R apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status
          R autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
          R batch cronjobs,cronjobs/status,jobs,jobs/status
          R extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale
          R policy poddisruptionbudgets,poddisruptionbudgets/status
          R networking.k8s.io ingresses,ingresses/status,networkpolicies
          R resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates
        role system:heapster
          R - events,namespaces,nodes,pods
          R extensions deployments
        role system:node
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews
          R - services
          create,get,list,watch - nodes
          patch,update - nodes/status
          patch,update - nodes
          EV
          R - pods
          create,delete - pods
          patch,update - pods/status
          create - pods/eviction
          R - configmaps,secrets
          get - persistentvolumeclaims,persistentvolumes
          get - endpoints
          create,get,list,watch certificates.k8s.io certificatesigningrequests
          create,delete,get,patch,update coordination.k8s.io leases
          get storage.k8s.io volumeattachments
          create - serviceaccounts/token
          get,patch,update - persistentvolumeclaims/status
          R storage.k8s.io csidrivers
          create,delete,get,patch,update storage.k8s.io csinodes
          R node.k8s.io runtimeclasses
          get resource.k8s.io resourceclaims
          deletecollection resource.k8s.io resourceslices
          R certificates.k8s.io clustertrustbundles
          create,get,list,watch certificates.k8s.io podcertificaterequests
          get - serviceaccounts
        role system:node-problem-detector
          get - nodes
          patch - nodes/status
          EV
        role system:kubelet-api-admin
          R - nodes
          proxy - nodes
          * - nodes/configz,nodes/healthz,nodes/log,nodes/metrics,nodes/pods,nodes/proxy,nodes/stats
        role system:node-bootstrapper
          create,get,list,watch certificates.k8s.io certificatesigningrequests
        role system:auth-delegator
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
        role system:kube-aggregator
          R - endpoints,services
        role system:kube-controller-manager
          EV
          create coordination.k8s.io leases
          get,update coordination.k8s.io leases names=kube-controller-manager
          create - secrets,serviceaccounts
          delete - secrets
          get - configmaps,namespaces,secrets,serviceaccounts
          update - secrets,serviceaccounts
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
          list,watch * *
          create - serviceaccounts/token
        role system:kube-dns
          list,watch - endpoints,services
        role system:persistent-volume-provisioner
          create,delete,get,list,watch - persistentvolumes
          get,list,update,watch - persistentvolumeclaims
          R storage.k8s.io storageclasses
          watch - events
          EV
        role system:kube-scheduler
          EV
          create coordination.k8s.io leases
          get,list,update,watch coordination.k8s.io leases names=kube-scheduler
          RW coordination.k8s.io leasecandidates
          R - nodes
          delete,get,list,watch - pods
          create - bindings,pods/binding
          patch,update - pods/status
          R - replicationcontrollers,services
          R apps,extensions replicasets
          R apps statefulsets
          R policy poddisruptionbudgets
          R - persistentvolumeclaims,persistentvolumes
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
          R storage.k8s.io csinodes,csidrivers,csistoragecapacities,volumeattachments
          R - namespaces
          R resource.k8s.io deviceclasses
          get,list,patch,update,watch resource.k8s.io resourceclaims
          get,list,patch,update,watch resource.k8s.io resourceclaims/status
          update - pods/finalizers
          R resource.k8s.io resourceslices
          create,delete resource.k8s.io resourceclaims
          patch,update resource.k8s.io resourceclaims/binding
        role system:volume-scheduler
          get,list,patch,update,watch - persistentvolumes
          R storage.k8s.io storageclasses
          get,list,patch,update,watch - persistentvolumeclaims
        role system:node-proxier
          list,watch - endpoints,services
          R - nodes
          EV
          list,watch discovery.k8s.io endpointslices
          list,watch networking.k8s.io servicecidrs
        role system:certificates.k8s.io:certificatesigningrequests:nodeclient
          create certificates.k8s.io certificatesigningrequests/nodeclient
        role system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
          create certificates.k8s.io certificatesigningrequests/selfnodeclient
        role system:certificates.k8s.io:legacy-unknown-approver
          approve certificates.k8s.io signers names=kubernetes.io/legacy-unknown
        role system:certificates.k8s.io:kubelet-serving-approver
          approve certificates.k8s.io signers names=kubernetes.io/kubelet-serving
        role system:certificates.k8s.io:kube-apiserver-client-approver
          approve certificates.k8s.io signers names=kubernetes.io/kube-apiserver-client
        role system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
          approve certificates.k8s.io signers names=kubernetes.io/kube-apiserver-client-kubelet
        role system:cluster-trust-bundle-discovery
          R certificates.k8s.io clustertrustbundles

        bind cluster-admin group=system:masters
        bind system:monitoring group=system:monitoring
        bind system:discovery group=system:authenticated
        bind system:basic-user group=system:authenticated
        bind system:public-info-viewer group=system:authenticated group=system:unauthenticated
        bind system:node-proxier user=system:kube-proxy
        bind system:kube-controller-manager user=system:kube-controller-manager
        bind system:kube-dns account=kube-dns
        bind system:kube-scheduler user=system:kube-scheduler
        bind system:volume-scheduler user=system:kube-scheduler
        bind system:service-account-issuer-discovery group=system:serviceaccounts
        bind system:cluster-trust-bundle-discovery group=system:serviceaccounts
        bind system:node

        namespace kube-system
        role extension-apiserver-authentication-reader
          R - configmaps names=extension-apiserver-authentication
        role system:controller:bootstrap-signer
          R - secrets
        role system:controller:cloud-provider
          create,get,list,watch - configmaps
        role system:controller:token-cleaner
          delete,get,list,watch - secrets
          EV
        role system::leader-locking-kube-controller-manager
          create,get,list,update,watch coordination.k8s.io leases
          create,get,list,update,watch coordination.k8s.io leasecandidates
        role system::leader-locking-kube-scheduler
          create,get,list,update,watch coordination.k8s.io leases
          create,get,list,update,watch coordination.k8s.io leasecandidates
        bind system:controller:bootstrap-signer account=bootstrap-signer
        bind system:controller:cloud-provider account=cloud-provider
        bind system:controller:token-cleaner account=token-cleaner
        bind system::leader-locking-kube-controller-manager user=system:kube-controller-manager account=kube-controller-manager account=leader-election-controller
        bind system::leader-locking-kube-scheduler user=system:kube-scheduler account=kube-scheduler
        bind extension-apiserver-authentication-reader as=system::extension-apiserver-authentication-reader user=system:kube-controller-manager user=system:kube-scheduler

        namespace kube-public
        role system:controller:bootstrap-signer
          R - configmaps
          update - configmaps names=cluster-info
          EV
        bind system:controller:bootstrap-signer account=bootstrap-signer
        """;
}
