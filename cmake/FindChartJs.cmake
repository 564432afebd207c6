# The charting library of report.html, one file that is put into every page: Debian's libjs-chart.js.
find_file(ChartJs_FILE chart.min.js PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist
          DOC "Chart.js 3, the file chart.min.js")
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ChartJs REQUIRED_VARS ChartJs_FILE REASON_FAILURE_MESSAGE
  "report.html needs Chart.js 3: install Debian's package libjs-chart.js (scripts/setup does), or give -DChartJs_FILE=.../chart.min.js")
mark_as_advanced(ChartJs_FILE)
